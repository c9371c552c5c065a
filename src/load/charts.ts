// Charts as SVG, drawn without any script: what a report needs and no more.

export interface Line {
  readonly name: string
  /** A CSS colour. */
  readonly colour: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface Chart {
  readonly lines: readonly Line[]
  /** Ticks of the x axis, and their words. */
  readonly xTicks: readonly (readonly [x: number, label: string])[]
  readonly yLabel: (y: number) => string
  /** Whether the y axis goes by powers of 10. */
  readonly logarithmic?: boolean
}

const WIDTH = 860
const HEIGHT = 260
const LEFT = 70
const RIGHT = 16
const TOP = 12
const BOTTOM = 30
const Y_TICKS = 5

export function lineChart({ lines, xTicks, yLabel, logarithmic = false }: Chart): string {
  const points = lines.flatMap(line => line.points)
  const xs = [...points.map(([x]) => x), ...xTicks.map(([x]) => x)]
  const x = scale(Math.min(...xs), Math.max(...xs), LEFT, WIDTH - RIGHT)
  const ticks = yTicks(
    points.map(([, y]) => y),
    logarithmic,
  )
  const project = logarithmic ? Math.log10 : (y: number) => y
  const low = ticks[0]
  const y = scale(project(low), project(ticks[ticks.length - 1]), HEIGHT - BOTTOM, TOP)
  const at = (value: number) => y(project(Math.max(value, low)))
  return svg([
    ...ticks.map(
      tick =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(tick)}" y2="${at(tick)}"/>` +
        `<text x="${LEFT - 8}" y="${at(tick) + 4}" text-anchor="end">${yLabel(tick)}</text>`,
    ),
    ...xTicks.map(([tick, label]) => `<text x="${x(tick)}" y="${HEIGHT - 8}" text-anchor="middle">${label}</text>`),
    ...lines.map(({ points, colour }) => {
      const path = points.map(([px, py]) => `${x(px)},${at(py)}`).join(' ')
      return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`
    }),
  ])
}

/** A bar for each row: its words, and how much of the largest it is. */
export function barChart(
  rows: readonly { readonly label: string; readonly count: number; readonly words: string }[],
): string {
  const most = Math.max(1, ...rows.map(({ count }) => count))
  const height = 22
  const left = 190
  const bars = rows.map(({ label, count, words }, i) => {
    const y = i * height
    const width = (count / most) * (WIDTH - left - 110)
    return (
      `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${label}</text>` +
      `<rect class="bar" x="${left}" y="${y + 3}" width="${round(width)}" height="${height - 6}"/>` +
      `<text x="${left + round(width) + 6}" y="${y + 15}">${words}</text>`
    )
  })
  return svg(bars, rows.length * height)
}

/** The names of the lines with their colours, as HTML. */
export function legend(lines: readonly Line[]): string {
  const items = lines.map(({ name, colour }) => `<span><i style="background:${colour}"></i>${name}</span>`)
  return `<p class="legend">${items.join('')}</p>`
}

function svg(parts: readonly string[], height = HEIGHT): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img">${parts.join('')}</svg>`
}

function scale(from: number, to: number, start: number, end: number): (value: number) => number {
  const span = to - from || 1
  return value => round(start + ((value - from) / span) * (end - start))
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Round numbers around all values: from 0, or powers of 10. */
function yTicks(values: readonly number[], logarithmic: boolean): number[] {
  const most = Math.max(...values, 0)
  if (logarithmic) {
    const positive = values.filter(value => value > 0)
    const first = Math.floor(Math.log10(Math.min(...positive, most || 1)))
    const last = Math.max(first + 1, Math.ceil(Math.log10(most || 1)))
    return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
  }
  const rough = (most || 1) / Y_TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(factor => factor * power).find(step => step >= rough) ?? rough
  return Array.from({ length: Math.ceil((most || 1) / step) + 1 }, (_, i) => i * step)
}
