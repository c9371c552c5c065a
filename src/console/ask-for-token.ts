// Asks for the admin token.

import { make } from './dom.js'
import { keepToken, token } from './session.js'
import type { View } from './view.js'

/** @param wasRefused whether a token was said and is not the right one */
export function askForToken(wasRefused: boolean, onGiven: () => void): View {
  const field = make('input', { type: 'password', id: 'token', autocomplete: 'off', required: true })
  const refused = wasRefused && token() !== undefined
  const form = make(
    'form',
    {
      onsubmit: event => {
        event.preventDefault()
        keepToken(field.value.trim())
        onGiven()
      },
    },
    make('h1', {}, 'The admin token'),
    make(
      'p',
      {},
      'This server was started with --admin-token or --admin-token-file. The token is kept until you close this tab.',
    ),
    refused && make('p', { class: 'bad', role: 'alert' }, 'This token is not the right one.'),
    make('label', {}, make('span', { class: 'name' }, 'Token'), field),
    make('p'),
    make('button', { class: 'main' }, 'Go on'),
  )
  return {
    title: 'Token',
    element: make('div', { class: 'alone card' }, form),
    shown: () => field.focus(),
    leave: () => {},
  }
}
