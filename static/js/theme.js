// Loaded in the head, before the first paint: a chosen theme is there at once.
// Without a choice the page follows the system, which needs no script at all.
(function () {
  "use strict";
  var root = document.documentElement;
  function apply(choice) {
    if (choice === "light" || choice === "dark") {
      root.setAttribute("data-bs-theme", choice);
    } else {
      root.removeAttribute("data-bs-theme");
    }
    root.setAttribute("data-theme-choice", choice || "auto");
  }
  function stored() {
    try {
      return window.localStorage.getItem("theme");
    } catch (error) {
      return null;
    }
  }
  apply(stored());
  root.classList.add("js");
  window.addEventListener("storage", function (event) {
    if (event.key === "theme") apply(event.newValue);
  });
  document.addEventListener("change", function (event) {
    if (event.target.name !== "theme-choice") return;
    try {
      window.localStorage.setItem("theme", event.target.value);
    } catch (error) {
      // Private windows may refuse; the choice then lasts for this page.
    }
    apply(event.target.value);
  });
  document.addEventListener("DOMContentLoaded", function () {
    var choice = root.getAttribute("data-theme-choice");
    document.querySelectorAll('input[name="theme-choice"]').forEach(function (input) {
      input.checked = input.value === choice;
    });
  });
})();
