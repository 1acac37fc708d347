// What pages need beyond links and forms. Every behaviour is asked for by a data
// attribute, works on what htmx swaps in, and has a way without JavaScript.
//
//   data-dialog-open="id"       opens <dialog id>; data-dialog-close closes its own
//   data-select-all="name"      checks every checkbox of that name in its form or list
//   data-count-of="name"        shows how many of those are checked
//   data-counter-for="id"       characters left in a field that has maxlength
//   data-copy="text"            copies; data-copy-from="#selector" copies that text
//   data-once                   on a form: it is sent once (all POST forms, unless "no")
//   data-working="words"        on a button: what it says when its work takes a while
//   data-submit-on-change       on a form: sent when a field changes
//   data-requires="id"          on a button: enabled once that checkbox is checked
//   data-dismiss                removes its nearest [data-dismissible]
//   data-print                  prints the page
//   data-drop                   a file drop (c-file-drop): says what was chosen
//   data-says                   in what htmx brings: its words are read out
(function () {
  "use strict";

  function announce(text) {
    var region = document.getElementById("announcements");
    if (!region) return;
    region.textContent = "";
    window.setTimeout(function () {
      region.textContent = text;
    }, 50);
  }

  function boxes(name, near) {
    var scope = near.closest("[data-select-scope]") || near.closest("form") || document;
    return Array.from(
      scope.querySelectorAll('input[type="checkbox"][name="' + CSS.escape(name) + '"]')
    ).filter(function (box) {
      return !box.disabled;
    });
  }

  function recount() {
    document.querySelectorAll("[data-count-of]").forEach(function (place) {
      var all = boxes(place.dataset.countOf, place);
      var checked = all.filter(function (box) {
        return box.checked;
      });
      place.textContent = checked.length.toLocaleString(
        document.documentElement.lang || "en"
      );
    });
    document.querySelectorAll("[data-select-all]").forEach(function (master) {
      var all = boxes(master.dataset.selectAll, master);
      var checked = all.filter(function (box) {
        return box.checked;
      });
      if (master.type === "checkbox") {
        master.checked = all.length > 0 && checked.length === all.length;
        master.indeterminate = checked.length > 0 && checked.length < all.length;
      }
    });
    document.querySelectorAll("[data-counter-for]").forEach(function (place) {
      var field = document.getElementById(place.dataset.counterFor);
      if (field) place.textContent = field.maxLength - field.value.length;
    });
    document.querySelectorAll("[data-requires]").forEach(function (button) {
      var box = document.getElementById(button.dataset.requires);
      if (box) button.disabled = !box.checked;
    });
  }

  // Whoever dismisses a message by keyboard goes on reading where the page begins.
  function dismiss(notice) {
    var held = notice.contains(document.activeElement);
    notice.remove();
    if (held) document.getElementById("main").focus({ preventScroll: true });
  }

  // Good news leaves by itself after it could be read, unless it is being read or the
  // reader asked for less motion; what went wrong stays until it is dismissed.
  function toasts() {
    var still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    var words = [];
    document.querySelectorAll("#messages > .notice:not([data-told])").forEach(function (toast) {
      toast.setAttribute("data-told", "");
      words.push(toast.textContent.trim());
      if (still || !toast.matches(".notice-good, .notice-info")) return;
      var timer;
      function wait() {
        timer = window.setTimeout(function () {
          toast.remove();
        }, 8000 + 60 * toast.textContent.length);
      }
      ["pointerenter", "focusin"].forEach(function (name) {
        toast.addEventListener(name, function () {
          window.clearTimeout(timer);
        });
      });
      ["pointerleave", "focusout"].forEach(function (name) {
        toast.addEventListener(name, wait);
      });
      wait();
    });
    if (words.length) announce(words.join(" "));
  }

  document.addEventListener("click", function (event) {
    var target = event.target.closest(
      "[data-dialog-open],[data-dialog-close],[data-copy],[data-copy-from]," +
        "[data-dismiss],[data-print],[data-select-all]"
    );
    if (!target) {
      if (event.target.nodeName === "DIALOG") event.target.close();
      document.querySelectorAll("details.menu[open]").forEach(function (menu) {
        if (!menu.contains(event.target)) menu.open = false;
      });
      return;
    }
    if (target.hasAttribute("data-dialog-open")) {
      var dialog = document.getElementById(target.dataset.dialogOpen);
      if (dialog && dialog.showModal) {
        event.preventDefault();
        dialog.showModal();
      }
    } else if (target.hasAttribute("data-dialog-close")) {
      var open = target.closest("dialog");
      if (open) {
        event.preventDefault();
        open.close();
      }
    } else if (target.hasAttribute("data-copy") || target.hasAttribute("data-copy-from")) {
      var from = target.dataset.copyFrom && document.querySelector(target.dataset.copyFrom);
      var text = from ? from.value || from.textContent.trim() : target.dataset.copy;
      navigator.clipboard.writeText(text).then(function () {
        target.classList.add("is-copied");
        announce(target.dataset.copied || "Copied");
        window.setTimeout(function () {
          target.classList.remove("is-copied");
        }, 1600);
      });
    } else if (target.hasAttribute("data-dismiss")) {
      var gone = target.closest("[data-dismissible]");
      if (gone) dismiss(gone);
    } else if (target.hasAttribute("data-print")) {
      window.print();
    } else if (target.type !== "checkbox") {
      var all = boxes(target.dataset.selectAll, target);
      var every = all.every(function (box) {
        return box.checked;
      });
      all.forEach(function (box) {
        box.checked = !every;
      });
      if (all[0]) all[0].dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  document.addEventListener("change", function (event) {
    var master = event.target.dataset && event.target.dataset.selectAll;
    if (master && event.target.type === "checkbox") {
      var all = boxes(master, event.target);
      all.forEach(function (box) {
        box.checked = event.target.checked;
      });
      if (all[0]) all[0].dispatchEvent(new Event("change", { bubbles: true }));
    }
    var form = event.target.form;
    if (form && form.hasAttribute("data-submit-on-change")) form.requestSubmit();
    recount();
  });

  document.addEventListener("input", recount);

  // A file drop is the file input itself, as large as its frame: dropping is native.
  document.addEventListener("change", function (event) {
    var drop = event.target.type === "file" && event.target.closest("[data-drop]");
    if (!drop) return;
    var place = drop.querySelector(".drop-name");
    place.textContent = Array.from(event.target.files)
      .map(function (file) {
        return file.name;
      })
      .join(", ");
    announce(place.textContent);
  });
  ["dragover", "dragleave", "drop"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var drop = event.target.closest && event.target.closest("[data-drop]");
      if (drop) drop.classList.toggle("is-over", name === "dragover");
    });
  });

  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach(function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // What takes longer than half a second says so, on the button that began it.
  function working(form, button) {
    var words = button.dataset.working || document.body.dataset.working;
    if (!form.dataset.sent || !words) return;
    button.style.minWidth = button.offsetWidth + "px";
    button.dataset.was = button.innerHTML;
    button.textContent = words;
    announce(words);
  }

  // A form is sent once. The button that was pressed keeps its value in the request.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || form.dataset.once === "no") return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.matches("[hx-post],[data-hx-post]")) return;
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    window.setTimeout(function () {
      form.querySelectorAll("button:not([type=button])").forEach(function (button) {
        button.disabled = true;
      });
    }, 0);
    if (event.submitter) window.setTimeout(working, 500, form, event.submitter);
  });

  // Coming back with the browser's back button finds the form ready again.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      form.querySelectorAll("button:not([type=button])").forEach(function (button) {
        button.disabled = false;
        if (!button.dataset.was) return;
        button.innerHTML = button.dataset.was;
        delete button.dataset.was;
      });
    });
    recount();
  });

  // A fragment that turns out to be the sign-in page means that the session is over.
  document.addEventListener("htmx:beforeSwap", function (event) {
    var login = document.body.dataset.loginUrl;
    var answered = event.detail.xhr && event.detail.xhr.responseURL;
    if (login && answered && new URL(answered).pathname === login) {
      event.detail.shouldSwap = false;
      window.location.reload();
    }
  });
  document.addEventListener("htmx:afterSettle", function (event) {
    recount();
    toasts();
    var said = event.target.querySelector && event.target.querySelector("[data-says]");
    if (said) announce(said.textContent.trim());
  });
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach(function (name) {
    document.addEventListener(name, function () {
      var notice = document.getElementById("connection-notice");
      if (!notice) return;
      notice.hidden = false;
      announce(notice.textContent.trim());
    });
  });
  document.addEventListener("htmx:afterOnLoad", function (event) {
    var notice = document.getElementById("connection-notice");
    if (notice && event.detail.successful) notice.hidden = true;
  });

  // Where tabs do not fit, the one that is open stands among those that are seen.
  function showTab() {
    document.querySelectorAll(".tabs").forEach(function (tabs) {
      var open = tabs.querySelector("[aria-current]");
      if (!open || tabs.scrollWidth <= tabs.clientWidth) return;
      var beyond = open.getBoundingClientRect().right - tabs.getBoundingClientRect().right;
      if (beyond > 0) tabs.scrollLeft += beyond + 24;
    });
  }

  function begin() {
    recount();
    toasts();
    showTab();
  }
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", begin);
  } else {
    begin();
  }
})();
