// One chart over time with its legend. Dragging over any chart shows that stretch in all; a double click shows all again.

import { make, setText } from './dom.js'
import { clock } from './format.js'
import { isDark } from './theme.js'
import uPlot from './vendor/uPlot.js'

export interface Line {
  readonly name: string
  readonly values: readonly (number | null)[]
}

export interface ChartDescription {
  readonly title: string
  readonly note: string
  readonly format: (value: number) => string
  /** `octets` has ticks at whole binary units, `powers` a logarithmic axis. */
  readonly axis?: 'octets' | 'powers'
  /** Lines that are shown only when somebody asks for them. */
  readonly hidden?: readonly string[]
}

/** Stretch of time that is shown, in seconds since 1970; undefined shows all. */
export type Stretch = { readonly from: number; readonly to: number } | undefined

const COLOURS = {
  light: ['#2563b8', '#c2410c', '#15803d', '#7e22ce', '#b3231f', '#0e7490', '#8a6100', '#be185d', '#4b5563', '#4d7c0f'],
  dark: ['#6ea8ff', '#ff9d5c', '#5fd68b', '#c99bff', '#ff8a80', '#4fd0e6', '#e6c04f', '#ff8fc4', '#b6c0cc', '#b4d861'],
}

const AXES: Readonly<Record<'plain' | 'octets' | 'powers', uPlot.Axis>> = {
  plain: {},
  octets: { incrs: Array.from({ length: 50 }, (_, power) => 2 ** power) },
  powers: { splits: (_plot, _axis, min, max) => powersOfTen(min, max) },
}

export class Chart {
  readonly element: HTMLElement
  readonly #description: ChartDescription
  readonly #box = make('div', { class: 'chart', role: 'img' })
  readonly #nothing = make('p', { class: 'nothing' }, 'Nothing yet')
  readonly #legend = make('ul', { class: 'legend' })
  readonly #hidden: Set<string>
  readonly #onStretch: (stretch: Stretch) => void
  #plot: uPlot | undefined
  #lines: readonly Line[] = []
  #at: readonly number[] = []
  #stretch: Stretch

  constructor(description: ChartDescription, onStretch: (stretch: Stretch) => void) {
    this.#description = description
    this.#hidden = new Set(description.hidden)
    this.#onStretch = onStretch
    this.element = make(
      'section',
      {},
      make('h2', {}, description.title),
      make('p', { class: 'soft note' }, description.note),
      this.#box,
      this.#legend,
    )
    new ResizeObserver(() => this.#plot?.setSize(this.#size)).observe(this.#box)
  }

  /** @param at seconds since 1970 */
  show(at: readonly number[], lines: readonly Line[], stretch: Stretch): void {
    const isSame = lines.length === this.#lines.length && lines.every(({ name }, i) => name === this.#lines[i].name)
    this.#at = at
    this.#lines = lines
    this.#stretch = stretch
    if (this.#plot === undefined || !isSame) this.redraw()
    else {
      this.#plot.setData(this.#data, false)
      this.#plot.setScale('x', this.#range)
    }
    this.#tellValues(at.length - 1)
  }

  /** Anew, for other lines or other colours. */
  redraw(): void {
    this.#plot?.destroy()
    this.#plot = new uPlot(this.#options, this.#data, this.#box)
    this.#plot.setScale('x', this.#range)
    this.#box.append(this.#nothing)
    this.#nothing.hidden = this.#lines.length > 0
    this.#legend.replaceChildren(...this.#lines.map(({ name }, i) => this.#legendItem(name, i)))
    this.#tellValues(this.#at.length - 1)
  }

  remove(): void {
    this.#plot?.destroy()
    this.#plot = undefined
  }

  get #data(): uPlot.AlignedData {
    return [[...this.#at], ...this.#lines.map(({ values }) => [...values])]
  }

  get #size(): { width: number; height: number } {
    return { width: Math.max(200, this.#box.clientWidth), height: 200 }
  }

  get #range(): { min: number; max: number } {
    const last = this.#at.at(-1) ?? Date.now() / 1000
    return this.#stretch ? { min: this.#stretch.from, max: this.#stretch.to } : { min: last - 900, max: last }
  }

  get #options(): uPlot.Options {
    const style = getComputedStyle(this.#box)
    const soft = style.getPropertyValue('color')
    const grid = { stroke: getComputedStyle(this.element).borderTopColor, width: 1 }
    const { format, axis } = this.#description
    const values = (_: uPlot, ticks: (number | null)[]) => ticks.map(tick => (tick === null ? '' : format(tick)))
    return {
      ...this.#size,
      legend: { show: false },
      cursor: { sync: { key: 'console' }, drag: { x: true, y: false, setScale: false } },
      scales: {
        y:
          axis === 'powers'
            ? { distr: 3, range: (_, min, max) => logRange(min, max) }
            : { range: (_, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
      },
      axes: [
        { stroke: soft, grid, ticks: grid, values: (_, ticks) => ticks.map(tick => clock(tick * 1000)), space: 80 },
        { stroke: soft, grid, ticks: grid, values, size: 74, ...AXES[axis ?? 'plain'] },
      ],
      series: [
        {},
        ...this.#lines.map(({ name }, i) => ({
          label: name,
          stroke: colourOf(i),
          dash: dashOf(name),
          width: 1.5,
          show: !this.#hidden.has(name),
          points: { show: false },
          spanGaps: true,
        })),
      ],
      hooks: {
        setCursor: [plot => this.#tellValues(plot.cursor.idx ?? this.#at.length - 1)],
        setSelect: [plot => this.#onSelect(plot)],
        ready: [plot => plot.over.addEventListener('dblclick', () => this.#onStretch(undefined))],
      },
    }
  }

  #onSelect(plot: uPlot): void {
    const { left, width } = plot.select
    if (width < 4) return
    const [from, to] = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.#onStretch({ from, to })
  }

  #legendItem(name: string, place: number): HTMLElement {
    const swatch = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    line.setAttribute('d', 'M0 4h14')
    line.setAttribute('stroke', colourOf(place))
    line.setAttribute('stroke-width', '3')
    line.setAttribute('stroke-dasharray', dashOf(name).join(' '))
    swatch.setAttribute('aria-hidden', 'true')
    swatch.append(line)
    const button = make(
      'button',
      {
        type: 'button',
        'aria-pressed': !this.#hidden.has(name) ? 'true' : 'false',
        onclick: () => this.#toggle(name, place, button),
      },
      swatch,
      `${name} `,
      make('b'),
    )
    return make('li', {}, button)
  }

  #toggle(name: string, place: number, button: HTMLElement): void {
    const shown = this.#hidden.delete(name)
    if (!shown) this.#hidden.add(name)
    button.setAttribute('aria-pressed', String(shown))
    this.#plot?.setSeries(place + 1, { show: shown })
  }

  #tellValues(row: number): void {
    const { title, format } = this.#description
    const told = this.#lines.map(({ name, values }) => {
      const value = values[row]
      return [name, value === null || value === undefined ? '–' : format(value)] as const
    })
    for (const [i, bold] of [...this.#legend.querySelectorAll('b')].entries()) setText(bold, told[i]?.[1] ?? '')
    const words = told.map(([name, value]) => `${name} ${value}`).join(', ')
    this.#box.setAttribute('aria-label', `${title}, a chart over time. ${words || 'Nothing yet'}`)
  }
}

function colourOf(place: number): string {
  const colours = COLOURS[isDark() ? 'dark' : 'light']
  return colours[place % colours.length]
}

/** What is sent is mostly what was received: where one line lies on the other, both are seen. */
function dashOf(name: string): number[] {
  return name.endsWith(' sent') ? [5, 4] : []
}

function powersOfTen(min: number, max: number): number[] {
  const first = Math.round(Math.log10(min))
  return Array.from({ length: Math.round(Math.log10(max)) - first + 1 }, (_, i) => 10 ** (first + i))
}

/** Whole powers of ten around the values. */
function logRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || max <= 0) return [1e-6, 1]
  const low = 10 ** Math.floor(Math.log10(Math.max(min, 1e-9)))
  return [low, Math.max(low * 10, 10 ** Math.ceil(Math.log10(max)))]
}
