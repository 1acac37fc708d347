// The desk: its keys, and what writing on a ticket needs beyond forms. Without it every
// link, button and field works by itself.
//
//   #keys [data-key][data-does]  the keys, as the dialog lists them
//   data-key-for="name"          what the key of that name presses, or focuses
//   data-writes="reply|note"     a field with suggestions: :: canned replies, @ people
//   data-leaves-in="seconds"     a reply that can be taken back: counts down
//   data-sends                   what Ctrl+Enter in its form presses
(function () {
  "use strict";

  var dialog = document.getElementById("keys");
  var bindings = {};
  if (dialog) {
    dialog.querySelectorAll("[data-key]").forEach(function (key) {
      bindings[key.dataset.key] = key.dataset.does;
    });
  }

  function announce(text) {
    var region = document.getElementById("announcements");
    if (region) region.textContent = text;
  }

  // ---- Keys

  function writes(element) {
    return element && element.matches("input, textarea, select, [contenteditable]") &&
      !/^(checkbox|radio|button|submit|reset)$/.test(element.type);
  }

  function rows() {
    return Array.from(document.querySelectorAll("a.ticket-link"));
  }

  function step(by) {
    var all = rows();
    var here = all.findIndex(function (link) {
      return link.closest("tr, li") && link.closest("tr, li").contains(document.activeElement);
    });
    var next = all[here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
  }

  function press(name) {
    var target = document.querySelector('[data-key-for="' + name + '"]');
    if (!target && name === "search") target = document.querySelector('main input[type="search"]');
    if (!target) return false;
    if (target.dataset.writes) {
      var kind = document.querySelector('[name="writing"][value="' + target.dataset.writes + '"]');
      if (kind) kind.checked = true;
    }
    if (target.nodeName === "SUMMARY") {
      target.parentNode.open = true;
      var first = target.parentNode.querySelector("button, a, input, select");
      (first || target).focus();
    } else if (target.matches("a, button:not(:disabled)")) {
      target.click();
    } else {
      // A region: what it holds first that can be changed, or else itself.
      var field = name === "fields" && target.querySelector("select, input:not([type=hidden]), textarea");
      (field || target).focus();
      target.scrollIntoView({ block: "nearest" });
    }
    return true;
  }

  function act(name) {
    if (name === "keys") {
      dialog.showModal();
    } else if (name === "next") {
      step(1);
    } else if (name === "previous") {
      step(-1);
    } else if (name === "open") {
      if (document.activeElement.matches("a.ticket-link")) document.activeElement.click();
    } else if (name === "choose") {
      var row = document.activeElement.closest("tr, li");
      var box = row && row.querySelector('input[type="checkbox"]');
      if (box) box.click();
    } else {
      return press(name);
    }
    return true;
  }

  document.addEventListener("keydown", function (event) {
    var field = event.target;
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      var form = field.closest && field.closest("form");
      var button = form && (form.querySelector("[data-sends]") || form.querySelector("button:not([type=button])"));
      if (button && !button.disabled) {
        event.preventDefault();
        form.requestSubmit(button);
      }
      return;
    }
    if (event.key === "Escape" && writes(field)) {
      field.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || writes(field)) return;
    if (!dialog || dialog.dataset.keys === "off" || document.querySelector("dialog[open]")) return;
    var name = bindings[event.key];
    if (name && act(name)) event.preventDefault();
  });

  // ---- Undo

  var leaving = document.querySelector("[data-leaves-in]");
  if (leaving) {
    var ends = Date.now() + 1000 * Number(leaving.dataset.leavesIn);
    var ticking = window.setInterval(function () {
      var left = Math.ceil((ends - Date.now()) / 1000);
      if (left > 0) {
        leaving.querySelector("[data-seconds]").textContent = left;
        return;
      }
      window.clearInterval(ticking);
      announce(leaving.dataset.left);
      leaving.remove();
    }, 250);
  }

  // ---- Writing

  var composer = document.querySelector("[data-composer]");
  if (!composer) return;
  var list = document.getElementById("composer-options");
  var typing = document.querySelector("[data-typing]");
  var open = null; // the field that asks, and where the asked words begin
  var asked = 0;
  var typed = 0;

  composer.addEventListener("change", function (event) {
    if (event.target.name !== "writing") return;
    var field = composer.querySelector('[data-writes="' + event.target.value + '"]');
    if (field && event.isTrusted && !event.target.matches(":focus-visible")) field.focus();
  });

  function question(field) {
    var before = field.value.slice(0, field.selectionStart);
    var canned = /(^|\s)::([\w-]*)$/.exec(before);
    if (canned) return { url: composer.dataset.cannedUrl, words: canned[2], start: before.length - canned[2].length - 2 };
    var person = field.dataset.writes === "note" && /(^|[\s(])@([\w.+-]*)$/.exec(before);
    if (person) return { url: composer.dataset.mentionsUrl, words: person[2], start: before.length - person[2].length - 1 };
    return null;
  }

  function close() {
    if (!open) return;
    var field = open.field;
    ["role", "aria-expanded", "aria-controls", "aria-activedescendant", "aria-autocomplete", "aria-haspopup"].forEach(function (name) {
      field.removeAttribute(name);
    });
    list.hidden = true;
    list.replaceChildren();
    open = null;
    asked += 1;
  }

  function options() {
    return Array.from(list.querySelectorAll("[role=option]"));
  }

  function select(index) {
    var all = options();
    if (!all.length) return;
    var chosen = all[(index + all.length) % all.length];
    all.forEach(function (option) {
      option.setAttribute("aria-selected", option === chosen ? "true" : "false");
    });
    open.field.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  function selected() {
    return options().findIndex(function (option) {
      return option.getAttribute("aria-selected") === "true";
    });
  }

  function put(option) {
    var field = open.field, start = open.start;
    close();
    field.focus();
    field.setRangeText(option.dataset.text, start, field.selectionStart, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function suggest(field) {
    var found = question(field);
    if (!found) return close();
    var turn = ++asked;
    var address = found.url + "?q=" + encodeURIComponent(found.words.replace(/[.-]/g, " "));
    fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" })
      .then(function (answer) {
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      })
      .then(function (markup) {
        if (turn !== asked) return;
        list.innerHTML = markup;
        list.hidden = false;
        open = { field: field, start: found.start };
        field.setAttribute("role", "combobox");
        field.setAttribute("aria-haspopup", "listbox");
        field.setAttribute("aria-autocomplete", "list");
        field.setAttribute("aria-expanded", "true");
        field.setAttribute("aria-controls", list.id);
        select(0);
        announce(list.dataset.many.replace("{n}", options().length));
      })
      .catch(close);
  }

  composer.addEventListener("input", function (event) {
    if (!event.target.dataset.writes) return;
    typed = Date.now();
    event.target.dataset.unkept = "1";
    if (typing) typing.value = "1";
    suggest(event.target);
  });

  composer.addEventListener("keydown", function (event) {
    if (!open || event.target !== open.field) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      select(selected() + (event.key === "ArrowDown" ? 1 : -1));
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") {
      var option = options()[selected()];
      if (!option) return close();
      put(option);
    } else if (event.key === "Escape") {
      close();
    } else {
      return;
    }
    event.preventDefault();
  });

  list.addEventListener("mousedown", function (event) {
    var option = event.target.closest("[role=option]");
    event.preventDefault();
    if (option) put(option);
  });

  composer.addEventListener("focusout", function (event) {
    if (open && event.target === open.field) window.setTimeout(close, 150);
  });

  // What is written counts as typing for ten seconds; after that one only looks.
  window.setInterval(function () {
    if (typing && Date.now() - typed > 10000) typing.value = "0";
  }, 2000);

  // What is being kept is no longer unkept, unless that did not get through.
  composer.addEventListener("htmx:beforeRequest", function (event) {
    delete event.target.dataset.unkept;
  });
  composer.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.failed && event.target.dataset.writes) event.target.dataset.unkept = "1";
  });

  // Leaving with words that are not kept yet: keep them now, whatever becomes of the page.
  window.addEventListener("pagehide", function () {
    composer.querySelectorAll("[data-unkept]").forEach(function (field) {
      if (field.form.dataset.sent) return;
      var data = new FormData(field.form);
      data.set("to", field.dataset.writes === "note" ? "note" : "customer");
      navigator.sendBeacon(field.getAttribute("hx-post"), data);
    });
  });

  // Older messages came in above: the first of them is where reading goes on.
  document.addEventListener("htmx:afterSwap", function (event) {
    var about = event.detail.requestConfig;
    if (!about || !/[?&]before=/.test(about.path)) return;
    var first = document.querySelector(".talk-one");
    if (first) first.focus();
  });
})();
