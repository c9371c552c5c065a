// Numbers, sizes and times as people read them.

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** A whole number, exact: `1,234,567`. */
export function exact(value: number): string {
  return GROUPED.format(value)
}

/** Three digits are enough for a rate: `12.3 k`. */
export function short(value: number): string {
  return scaled(value, ['', ' k', ' M', ' G', ' T'], 1000)
}

/** `12.3 KiB`; below 1,024 whole octets. */
export function octets(value: number): string {
  return scaled(value, [' B', ' KiB', ' MiB', ' GiB', ' TiB'], 1024)
}

function scaled(value: number, units: readonly string[], factor: number): string {
  let size = Math.abs(value)
  let unit = 0
  while (size >= factor * 0.9995 && unit < units.length - 1) {
    size /= factor
    unit++
  }
  return `${value < 0 ? '−' : ''}${significant(size)}${units[unit]}`
}

/** Three significant digits, no zeros at the end of a fraction. */
function significant(value: number): string {
  if (value === 0) return '0'
  if (value >= 99.95) return String(Math.round(value))
  const digits = value >= 9.995 ? 1 : 2
  return String(Number(value < 0.01 ? value.toPrecision(2) : value.toFixed(digits)))
}

/** @param milliseconds `12 µs`, `3.4 ms`, `5.6 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(milliseconds: number): string {
  if (milliseconds === 0) return '0'
  if (milliseconds < 0.9995) return `${significant(milliseconds * 1000)} µs`
  if (milliseconds < 999.5) return `${significant(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 59.95) return `${significant(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return twoUnits(whole, 60, 'min', 1, 's')
  if (whole < 86_400) return twoUnits(whole, 3600, 'h', 60, 'min')
  return twoUnits(whole, 86_400, 'd', 3600, 'h')
}

/** @param at whole milliseconds */
export function afterHandshake(at: number): string {
  return at === 0 ? 'within a millisecond of the handshake' : `${duration(at)} after the handshake`
}

function twoUnits(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const first = Math.floor(seconds / large)
  const second = Math.floor((seconds % large) / small)
  return second === 0 ? `${first} ${largeName}` : `${first} ${largeName} ${second} ${smallName}`
}

/** @param share 0 to 1 */
export function percent(share: number): string {
  return `${significant(share * 100)} %`
}

/** Time of day, to the millisecond where that is wanted: `14:03:07.250`. */
export function clock(milliseconds: number, exactly = false): string {
  const date = new Date(milliseconds)
  const two = (value: number) => String(value).padStart(2, '0')
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return exactly ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text
}

/** Date and time, in the zone of whoever looks. */
export function dateTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(milliseconds)}`
}

/** `1 frame`, `2 frames`. */
export function counted(count: number, word: string): string {
  return `${exact(count)} ${word}${count === 1 ? '' : 's'}`
}

/** Names of close codes (RFC 6455 section 7.4.1, and the registry of IANA). */
const CLOSE_NAMES: Readonly<Record<number, string>> = {
  1000: 'normal',
  1001: 'going away',
  1002: 'protocol error',
  1003: 'unsupported data',
  1005: 'no code',
  1006: 'no Close',
  1007: 'invalid payload',
  1008: 'policy',
  1009: 'too big',
  1010: 'extension missing',
  1011: 'internal error',
  1012: 'service restart',
  1013: 'try again later',
  1014: 'bad gateway',
}

export function closeCode(code: number | string): string {
  const name = CLOSE_NAMES[Number(code)]
  return name === undefined ? String(code) : `${code} ${name}`
}
