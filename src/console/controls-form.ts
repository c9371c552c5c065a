// The test controls with their documentation, as the service's own schema has them; what is set goes into the address.

import type { Catalogue, Control, Hello } from './answers.js'
import { type Child, fill, make } from './dom.js'
import { ask } from './session.js'

/** Pixels from which on there is room for the documentation beside all else. */
const WIDE = 900

export class ControlsForm {
  readonly element = make('details', { id: 'controls', open: innerWidth > WIDE }, make('summary', {}, 'Test controls'))
  readonly #address: HTMLInputElement
  #begun = false

  /** @param address field with the URL, whose query the controls are part of */
  constructor(address: HTMLInputElement) {
    this.#address = address
    address.addEventListener('input', () => this.#read())
  }

  /** Asks for the controls, once. */
  begin(controls: Hello['controls']): void {
    if (this.#begun) return
    this.#begun = true
    this.#load(controls).catch((error: Error) => {
      this.#begun = false
      this.element.append(make('p', { class: 'bad' }, error.message))
    })
  }

  async #load({ allowed }: Hello['controls']): Promise<void> {
    const summary = make('summary', {}, 'Test controls: have the service misbehave')
    if (allowed === 'off') {
      fill(this.element, summary, make('p', {}, 'The service has none: it was started with --controls off.'))
      return
    }
    const { controls } = await ask<Catalogue>('controls/catalogue')
    const groups = [...new Set(controls.map(({ group }) => group))]
    const fields = groups.map(group => [
      make('h3', {}, group),
      controls.filter(control => control.group === group).map(control => this.#field(control, allowed === 'all')),
    ])
    fill(
      this.element,
      summary,
      make('p', { class: 'soft' }, 'They are part of the address, and hold from the next connection on.'),
      make('div', { class: 'controls', tabindex: 0, role: 'group', 'aria-label': 'Test controls' }, fields),
    )
    this.#read()
  }

  #field({ name, help, allowed, example, of, restricted }: Control, all: boolean): Child {
    const id = `control-${name}`
    const field = make('input', {
      id,
      'data-control': name,
      placeholder: example === '' ? 'on' : example,
      autocomplete: 'off',
      spellcheck: 'false',
      disabled: restricted && !all,
      'aria-describedby': `${id}-help`,
      oninput: () => this.#write(name, field.value),
    })
    const notes = [
      of.length > 0 && `With ${of.join(', ')}.`,
      `Allowed: ${allowed}.`,
      restricted && !all && 'Needs --controls all.',
    ].filter(Boolean)
    return make(
      'div',
      { class: 'control' },
      make('div', { class: 'row' }, make('label', { for: id }, name), field),
      make('p', { id: `${id}-help` }, help, ' ', make('span', { class: 'soft' }, notes.join(' '))),
    )
  }

  #write(name: string, value: string): void {
    if (!URL.canParse(this.#address.value)) return
    const url = new URL(this.#address.value)
    if (value === '') url.searchParams.delete(name)
    else url.searchParams.set(name, value)
    this.#address.value = url.href
  }

  #read(): void {
    if (!URL.canParse(this.#address.value)) return
    const { searchParams } = new URL(this.#address.value)
    for (const field of this.element.querySelectorAll<HTMLInputElement>('[data-control]'))
      field.value = searchParams.get(field.dataset.control ?? '') ?? ''
    this.element.open ||= [...searchParams.keys()].some(name => document.getElementById(`control-${name}`) !== null)
  }
}
