// The documentation page follows the theme chosen in the console, else the system's.
(function () {
  "use strict";
  var system = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try {
      return window.localStorage.getItem("theme");
    } catch (error) {
      return null;
    }
  }
  function apply() {
    var choice = chosen();
    var dark = choice === "dark" || (choice !== "light" && system.matches);
    document.documentElement.classList.toggle("dark-mode", dark);
  }
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
