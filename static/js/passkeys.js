// Passkeys: a button with data-passkey="sign-in", "use" or "add" asks the browser, puts its
// answer into the form's credential and sends the form. The questions stand in #passkey-data
// or, for signing in, come from the form's address. webauthn-json.js is django-allauth's.
"use strict";

async function passkeyAnswer(button) {
  if (button.dataset.passkey === "sign-in") {
    const got = await fetch(button.form.action, { headers: { Accept: "application/json" } });
    return window.webauthnJSON.get((await got.json()).request_options);
  }
  const asked = JSON.parse(document.getElementById("passkey-data").textContent);
  if (button.dataset.passkey === "use") return window.webauthnJSON.get(asked.request_options);
  const wanted = asked.creation_options.publicKey.authenticatorSelection;
  Object.assign(wanted, { residentKey: "required", requireResidentKey: true, userVerification: "required" });
  return window.webauthnJSON.create(asked.creation_options);
}

for (const button of document.querySelectorAll("[data-passkey]")) {
  button.hidden = !window.PublicKeyCredential;
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    const said = document.getElementById("passkey-said");
    said.hidden = true;
    try {
      button.form.elements.credential.value = JSON.stringify(await passkeyAnswer(button));
    } catch {
      said.hidden = false;
      return;
    }
    button.form.submit();
  });
}
