// The list of connections: live, filtered and sorted by the service, page by page. All of it is in the address.

import { hashOf } from './address.js'
import type { ConnectionList, Filter, Summary } from './answers.js'
import { type Cell, type Child, fill, make, setText, table } from './dom.js'
import { closeCode, counted, dateTime, duration, exact } from './format.js'
import { ask } from './session.js'
import type { View } from './view.js'

/** Milliseconds between two lists of the first page. */
const INTERVAL = 2000
const PER_PAGE = '50'
/** Filters that are in sight; the others have to be opened. */
const FIRST = ['state', 'clean', 'error', 'agent', 'path', 'since']

export function connections(given: URLSearchParams): View {
  let query = given
  let asked = 0
  const problem = make('p', { class: 'bad', role: 'alert', hidden: true })
  const summary = make('p', { class: 'soft', role: 'status' })
  const list = make('div')
  const pages = make('div', { class: 'bar' })
  const form = make('form', { class: 'card', onsubmit: onSubmit, onchange: onSubmit })
  const live = make('input', { type: 'checkbox', id: 'live', checked: true })
  const element = make(
    'div',
    {},
    make('div', { class: 'bar' }, make('h1', {}, 'Connections'), make('label', {}, live, ' live')),
    form,
    problem,
    make('section', {}, summary, list, pages),
  )

  function onSubmit(event: Event): void {
    event.preventDefault()
    // Another query begins with its first page.
    const entries = [...new FormData(form)].map(([name, value]) => [name, String(value).trim()] as const)
    const kept = entries.filter(([name, value]) => !(name === 'sort' && value === 'newest') && value !== '')
    location.hash = hashOf('/connections', kept)
  }

  async function draw(): Promise<void> {
    const number = ++asked
    const parameters = new URLSearchParams(query)
    if (!parameters.has('limit')) parameters.set('limit', PER_PAGE)
    try {
      const answer = await ask<ConnectionList>(`connections?${parameters}`)
      if (number !== asked) return
      problem.hidden = true
      setText(summary, sentence(answer))
      drawList(answer)
    } catch (error) {
      if (number !== asked) return
      problem.hidden = false
      setText(problem, (error as Error).message)
    }
  }

  function drawList({ connections: all, cursor }: ConnectionList): void {
    const focused = list.contains(document.activeElement) ? document.activeElement?.getAttribute('data-focus') : null
    if (all.length === 0) fill(list, make('p', {}, 'No connection is like that.'))
    else fill(list, table('Connections', HEADINGS, all.map(row), 'list connections'))
    for (const [column, [up, down]] of Object.entries(SORTED)) sortable(column, up, down)
    const isFirst = !query.has('cursor')
    fill(
      pages,
      !isFirst && make('a', { href: withQuery('cursor', '') }, 'To the first page'),
      cursor !== null && make('a', { href: withQuery('cursor', cursor), id: 'next' }, 'Next page'),
    )
    if (focused) list.querySelector<HTMLElement>(`[data-focus="${focused}"]`)?.focus()
  }

  function sortable(column: string, first: string, second: string): void {
    const heading = [...list.querySelectorAll('th')].find(({ textContent }) => textContent === column)
    if (heading === undefined) return
    const sort = query.get('sort') ?? 'newest'
    const isSorted = sort === first || sort === second
    const ascending = sort === 'oldest' || sort === 'shortest'
    if (isSorted) heading.setAttribute('aria-sort', ascending ? 'ascending' : 'descending')
    const next = sort === first ? second : first
    const mark = isSorted ? (ascending ? ' ▲' : ' ▼') : ''
    const button = make(
      'button',
      {
        type: 'button',
        'data-focus': column,
        onclick: () => {
          location.hash = withQuery('sort', next)
        },
      },
      column + mark,
    )
    fill(heading, button)
  }

  function withQuery(name: string, value: string): string {
    const changed = new URLSearchParams(query)
    changed.delete('cursor')
    changed.set(name, value)
    return hashOf('/connections', changed)
  }

  async function drawForm(): Promise<void> {
    const filters = await ask<Filter[]>('connections/filters')
    const field = (filter: Filter) => fieldOf(filter, query.get(filter.name) ?? '')
    const isFirst = ({ name }: Filter) => FIRST.includes(name)
    const others = filters.filter(filter => !isFirst(filter))
    fill(
      form,
      make('div', { class: 'fields' }, filters.filter(isFirst).map(field)),
      make(
        'details',
        { open: others.some(({ name }) => query.has(name)) },
        make('summary', {}, 'All filters'),
        make('div', { class: 'fields' }, others.map(field)),
      ),
      make(
        'div',
        { class: 'bar' },
        make('button', { class: 'main' }, 'Show'),
        make('a', { href: '#/connections' }, 'All connections'),
      ),
    )
  }

  function showForm(): void {
    drawForm().catch((error: Error) => {
      problem.hidden = false
      setText(problem, error.message)
    })
  }

  const timer = setInterval(() => {
    if (live.checked && !document.hidden && !query.has('cursor')) void draw()
  }, INTERVAL)
  return {
    title: 'Connections',
    element,
    shown: () => {
      showForm()
      void draw()
    },
    moved: () => {
      const [path, text = ''] = location.hash.split(/\?(.*)/s)
      if (path !== '#/connections') return false
      query = new URLSearchParams(text)
      // Whoever is writing in a field goes on there.
      for (const control of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>('[name]'))
        control.value = query.get(control.name) ?? ''
      void draw()
      return true
    },
    leave: () => {
      asked++
      clearInterval(timer)
    },
  }
}

const HEADINGS = [
  'id',
  'state',
  'opened',
  { name: 'duration', number: true },
  'peer',
  'path',
  'closing',
  'user agent',
  { name: 'worker', number: true },
] as const
/** Headings that sort: what the first click asks for, and the second. */
const SORTED: Readonly<Record<string, readonly [string, string]>> = {
  opened: ['newest', 'oldest'],
  duration: ['longest', 'shortest'],
}

function row(connection: Summary): (Cell | Child)[] {
  const { id, state, openedAt, duration: lasted, peer, path, userAgent, worker } = connection
  const tone = state === 'refused' ? 'bad' : state === 'open' ? 'good' : ''
  return [
    make('a', { href: `#/connections/${id}`, 'data-focus': id }, String(id)),
    { content: state, tone },
    dateTime(Date.parse(openedAt)),
    { content: state === 'refused' ? '–' : duration(lasted), number: true },
    peer,
    path ?? '–',
    closing(connection),
    userAgent ?? '–',
    { content: String(worker), number: true },
  ]
}

function closing({ state, clean, code, error }: Summary): Cell {
  if (state === 'open') return { content: '–' }
  const words = [code !== null && closeCode(code), error].filter(Boolean).join(', ')
  return { content: words, tone: clean === true ? '' : 'bad' }
}

function sentence({ connections, unasked, kept, evicted }: ConnectionList): string {
  const dropped = evicted.closed + evicted.failed + evicted.refused
  const missing = unasked.length > 0 ? ` Missing are those of worker ${unasked.join(', ')}, which does not answer.` : ''
  return (
    `${counted(connections.length, 'connection')} shown. There are ${exact(kept.open)} open, ${exact(kept.closed)} closed cleanly, ` +
    `${exact(kept.failed)} ended otherwise, ${exact(kept.refused)} refused` +
    (dropped > 0 ? `; ${exact(dropped)} older ones had to make room.` : '.') +
    missing
  )
}

function fieldOf({ name, label, allowed, choices }: Filter, value: string): HTMLElement {
  const title = `Allowed is ${allowed}`
  if (choices === null) {
    const hint = allowed.length > 26 ? '' : allowed
    return make(
      'label',
      { title },
      make('span', { class: 'name' }, label),
      make('input', { name, value, placeholder: hint, autocomplete: 'off', spellcheck: 'false' }),
    )
  }
  const options = choices.map(choice => make('option', { value: choice, selected: choice === value }, choice))
  const none = name === 'sort' ? 'newest' : 'any'
  return make(
    'label',
    { title },
    make('span', { class: 'name' }, label),
    make(
      'select',
      { name },
      make('option', { value: '' }, none),
      name === 'sort' ? options.filter(({ value }) => value !== 'newest') : options,
    ),
  )
}
