// Makes elements. What is put in is text, never markup: nothing that came over a wire can become an element.

export type Child = Node | string | number | false | null | undefined | readonly Child[]

/** Attributes by name; `on…` are listeners, true is an attribute without value, and false or undefined is none. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>

export function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[T] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  put(element, children)
  return element
}

/** Makes the children the only ones. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren()
  put(element, children)
}

function put(parent: Element, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) put(parent, child)
    else if (child instanceof Node) parent.append(child)
    else if (child !== false && child !== null && child !== undefined) parent.append(String(child))
  }
}

/** Writes only what has changed: a screen reader is told of nothing else. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export interface Cell {
  readonly content: Child
  readonly number?: boolean
  readonly tone?: string
}

/** A table with headings; at small widths each row becomes a block whose cells carry their heading. */
export function table(
  caption: string,
  headings: readonly (string | { readonly name: string; readonly number: true })[],
  rows: readonly (readonly (Cell | Child)[])[],
  look = '',
): HTMLElement {
  const names = headings.map(heading => (typeof heading === 'string' ? heading : heading.name))
  const head = headings.map(heading =>
    typeof heading === 'string'
      ? make('th', { scope: 'col' }, heading)
      : make('th', { scope: 'col', class: 'number' }, heading.name),
  )
  const body = rows.map(cells =>
    make(
      'tr',
      {},
      cells.map((cell, i) => cellOf(cell, names[i])),
    ),
  )
  const made = make(
    'table',
    { class: look },
    make('caption', { class: 'hidden-label' }, caption),
    make('thead', {}, make('tr', {}, head)),
    make('tbody', {}, body),
  )
  return make('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption }, made)
}

function cellOf(cell: Cell | Child, name: string): HTMLTableCellElement {
  const isCell = typeof cell === 'object' && cell !== null && 'content' in cell
  const { content, number, tone } = isCell ? (cell as Cell) : { content: cell as Child, number: false, tone: '' }
  const look = [number ? 'number' : '', tone ?? ''].join(' ').trim()
  return make('td', { 'data-name': name, class: look || undefined }, make('span', {}, content))
}

/** Names with their values; those without a value are left out. */
export function pairs(values: Readonly<Record<string, Child>>): HTMLTableElement {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
    .map(([name, value]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, value)))
  return make('table', { class: 'pairs' }, make('tbody', {}, rows))
}
