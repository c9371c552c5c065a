// Numbers with the units of the panels, as short as an axis wants them.

type Format = (value: number) => string

const FORMATS: Readonly<Record<string, Format>> = {
  s: value => scaled(value, [1, 's'], [1e-3, 'ms'], [1e-6, 'µs']),
  percentunit: value => `${rounded(value * 100)} %`,
  Bps: value => scaled(value, [1e6, 'MB/s'], [1e3, 'kB/s'], [1, 'B/s']),
  bytes: value => scaled(value, [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']),
  mps: value => `${rounded(value)} msg/s`,
  cps: value => `${rounded(value)} /s`,
  eps: value => `${rounded(value)} /s`,
}

/** @param unit as Grafana calls it */
export function formatValue(value: number, unit: string): string {
  return (FORMATS[unit] ?? rounded)(value)
}

/** In the first unit that is not larger than the value, else in the last; `units` are factors and symbols, largest first. */
function scaled(value: number, ...units: readonly (readonly [factor: number, symbol: string])[]): string {
  const [factor, symbol] = units.find(([factor]) => value >= factor) ?? units[units.length - 1]
  return `${rounded(value / factor)} ${symbol}`
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(3)))
}
