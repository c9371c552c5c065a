// Sizes and durations as people write them. A number and its unit stand together, without sign, fraction or space.
// A size without unit is octets; a duration must name its unit, for a bare `30` may be meant as seconds or as
// milliseconds. Only `0` is the same in all of them.

type Units = readonly (readonly [unit: string, factor: number])[]

// Largest factor first: formatting takes the first that divides.
const SIZE_UNITS: Units = [
  ['GiB', 2 ** 30],
  ['GB', 1e9],
  ['MiB', 2 ** 20],
  ['MB', 1e6],
  ['KiB', 2 ** 10],
  ['kB', 1e3],
  ['B', 1],
]

const DURATION_UNITS: Units = [
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** Octets of a size such as `16MiB`, `64kB`, `512B` or `1000`; undefined when the text is not a size. */
export function parseSize(text: string): number | undefined {
  return parseQuantity(/^\d+$/.test(text) ? `${text}B` : text, SIZE_UNITS)
}

/** The exact size in its largest whole unit: 16,777,216 octets are `16MiB`. */
export function formatSize(octets: number): string {
  return formatQuantity(octets, SIZE_UNITS)
}

/** Milliseconds of a duration such as `2m`, `30s`, `500ms` or `0`; undefined when the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  return text === '0' ? 0 : parseQuantity(text, DURATION_UNITS)
}

/** The exact duration in its largest whole unit: 30,000 milliseconds are `30s`. */
export function formatDuration(milliseconds: number): string {
  return formatQuantity(milliseconds, DURATION_UNITS)
}

function parseQuantity(text: string, units: Units): number | undefined {
  const [, digits, suffix] = /^(\d+)([A-Za-z]+)$/.exec(text) ?? []
  const factor = units.find(([unit]) => unit === suffix)?.[1]
  if (factor === undefined) return undefined
  const quantity = Number(digits) * factor
  // Above 2^53 a number no longer holds what was written.
  return Number.isSafeInteger(quantity) ? quantity : undefined
}

function formatQuantity(quantity: number, units: Units): string {
  if (quantity === 0) return '0'
  const [unit, factor] = units.find(([, factor]) => quantity % factor === 0) ?? ['', 1]
  return `${quantity / factor}${unit}`
}
