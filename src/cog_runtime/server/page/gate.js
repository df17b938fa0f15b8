// Asks for the server's token where it wants one.

import { Unauthorized, token } from './api.js';
import { h } from './dom.js';

// Does something, and again with another token for as long as the server wants one.
export async function allowed(act) {
  for (;;) {
    try {
      return await act();
    } catch (problem) {
      if (!(problem instanceof Unauthorized)) throw problem;
    }
    const wrong = Boolean(token.get());
    token.clear();
    token.set(await ask(wrong));
  }
}

function ask(wrong) {
  return new Promise((done) => {
    const input = h('input', {
      type: 'password', id: 'token', autocomplete: 'off', required: true, 'aria-describedby': 'token-about token-wrong',
    });
    const form = h('form', {},
      h('h2', { id: 'token-title' }, 'This model is private'),
      h('p', { id: 'token-about', class: 'about' }, 'The server wants a token. It stays in this tab and is forgotten with it.'),
      h('label', { for: 'token' }, 'Token'), input,
      h('p', { id: 'token-wrong', class: 'error', role: 'alert' }, wrong && 'The server does not accept this token.'),
      h('button', { class: 'primary' }, 'Continue'));
    const dialog = h('dialog', { 'aria-labelledby': 'token-title' }, form);
    dialog.oncancel = (event) => event.preventDefault();
    form.onsubmit = (event) => {
      event.preventDefault();
      dialog.close();
      dialog.remove();
      done(input.value.trim());
    };
    document.body.append(dialog);
    dialog.showModal();
  });
}
