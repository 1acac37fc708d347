// The way to an app: its form sends itself, once. Coming back finds a button instead,
// because the token is good for a minute and once.
(function () {
  "use strict";

  var form = document.querySelector("[data-sends-itself]");
  var been = performance.getEntriesByType("navigation")[0];
  if (form && !(been && been.type === "back_forward")) form.submit();
})();
