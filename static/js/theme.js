// Loaded in the head, before the first paint: a chosen theme and density are there at
// once. Without a choice the page follows the system, which needs no script at all.
(function () {
  "use strict";
  var root = document.documentElement;
  var apply = {
    theme: function (choice) {
      if (choice === "light" || choice === "dark") {
        root.setAttribute("data-bs-theme", choice);
      } else {
        root.removeAttribute("data-bs-theme");
      }
      root.setAttribute("data-theme-choice", choice || "auto");
    },
    density: function (choice) {
      root.setAttribute("data-density", choice === "compact" ? "compact" : "comfortable");
    },
  };
  function stored(name) {
    try {
      return window.localStorage.getItem(name);
    } catch (error) {
      return null;
    }
  }
  function show() {
    var chosen = {
      "theme-choice": root.getAttribute("data-theme-choice"),
      "density-choice": root.getAttribute("data-density"),
    };
    document
      .querySelectorAll('input[name="theme-choice"], input[name="density-choice"]')
      .forEach(function (input) {
        input.checked = input.value === chosen[input.name];
      });
  }
  apply.theme(stored("theme"));
  apply.density(stored("density"));
  root.classList.add("js");
  window.addEventListener("storage", function (event) {
    if (!apply[event.key]) return;
    apply[event.key](event.newValue);
    show();
  });
  document.addEventListener("change", function (event) {
    var name = (event.target.name || "").replace("-choice", "");
    if (event.target.name !== name + "-choice" || !apply[name]) return;
    try {
      window.localStorage.setItem(name, event.target.value);
    } catch (error) {
      // Private windows may refuse; the choice then lasts for this page.
    }
    apply[name](event.target.value);
    show();
  });
  document.addEventListener("DOMContentLoaded", show);
})();
