// Search everywhere: Ctrl-K or ⌘K opens the dialog, arrows choose, Enter opens. The list
// is a fragment of /search/, fetched by htmx; what one opened before stands first in its
// group. Without it the button in the header is a link to the page.
(function () {
  "use strict";

  var dialog = document.getElementById("palette");
  if (!dialog || !dialog.showModal || !window.htmx) return;
  var field = document.getElementById("palette-words");
  var said = document.getElementById("palette-count");
  var kept = "palette:" + dialog.dataset.who;
  var MOST = 50;

  function used() {
    try {
      return JSON.parse(window.localStorage.getItem(kept)) || [];
    } catch {
      return [];
    }
  }

  function remember(address) {
    var before = used().filter(function (one) {
      return one !== address;
    });
    try {
      window.localStorage.setItem(kept, JSON.stringify([address].concat(before).slice(0, MOST)));
    } catch {
      // Without a place to keep it the order stays as it came.
    }
  }

  function options() {
    return Array.from(dialog.querySelectorAll("[role=option]"));
  }

  function chosen() {
    return dialog.querySelector('[role=option][aria-selected="true"]');
  }

  function choose(option) {
    options().forEach(function (one) {
      one.setAttribute("aria-selected", one === option ? "true" : "false");
    });
    if (option) {
      field.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      field.removeAttribute("aria-activedescendant");
    }
  }

  function arrange() {
    var addresses = used();
    function rank(option) {
      var place = addresses.indexOf(option.getAttribute("href"));
      return place < 0 ? MOST : place;
    }
    dialog.querySelectorAll("[role=group]").forEach(function (group) {
      Array.from(group.querySelectorAll("[role=option]"))
        .sort(function (one, other) {
          return rank(one) - rank(other);
        })
        .forEach(function (option) {
          group.append(option);
        });
    });
  }

  function open() {
    if (dialog.open) {
      field.select();
      return;
    }
    dialog.showModal();
    field.focus();
    field.select();
    window.htmx.trigger(field, "palette:ask");
  }

  document.addEventListener("keydown", function (event) {
    var asks = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey);
    if (!asks || event.altKey || event.shiftKey || event.isComposing) return;
    if (!dialog.open && document.querySelector("dialog[open]")) return;
    event.preventDefault();
    open();
  });

  document.addEventListener("click", function (event) {
    var opener = event.target.closest("[data-palette-open]");
    if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      open();
    }
    var option = event.target.closest("#palette [role=option]");
    if (option) remember(option.getAttribute("href"));
  });

  field.addEventListener("keydown", function (event) {
    if (event.isComposing) return;
    var all = options();
    var here = all.indexOf(chosen());
    if (event.key === "ArrowDown") {
      choose(all[(here + 1) % all.length]);
    } else if (event.key === "ArrowUp") {
      choose(all[(here - 1 + all.length) % all.length]);
    } else if (event.key === "Enter" && chosen()) {
      chosen().click();
      dialog.close();
    } else {
      return;
    }
    event.preventDefault();
  });

  dialog.addEventListener("htmx:afterSettle", function () {
    arrange();
    choose(options()[0]);
    var list = document.getElementById("palette-list");
    said.textContent = list.dataset.said || "";
  });

  // A page that comes back from the browser's memory has no dialog open.
  window.addEventListener("pageshow", function () {
    if (dialog.open) dialog.close();
  });

  document.querySelectorAll("[data-palette-open] kbd").forEach(function (key) {
    if (/Mac|iPhone|iPad/.test(navigator.platform)) key.textContent = "⌘K";
  });
})();
