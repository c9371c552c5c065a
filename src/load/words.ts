// Numbers as people read them.

/** `1,234` or `12.3`: whole from 100 on, three digits below. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}

/** Milliseconds in the unit that suits: `85 µs`, `1.24 ms`, `12.0 s`. */
export function time(milliseconds: number): string {
  if (!Number.isFinite(milliseconds)) return '–'
  if (milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`
  if (milliseconds < 1000) return `${digits(milliseconds)} ms`
  return `${digits(milliseconds / 1000)} s`
}

/** Octets: `512 B`, `1.25 MB`, in powers of 1000 as networks are measured. */
export function octets(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = value < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  return `${power === 0 ? Math.round(value) : digits(value / 1000 ** power)} ${units[power]}`
}

export function percent(share: number): string {
  return `${digits(share * 100)} %`
}

/** Three digits, with the zeros that say so. */
function digits(value: number): string {
  if (value === 0) return '0'
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}

/** Lines of at most `width` columns, but for words that are longer; those after the first are indented. */
export function wrap(text: string, indent = '', width = 100): string[] {
  const [first, ...words] = text.trimStart().split(' ')
  const lines: string[] = []
  let line = text.slice(0, text.length - text.trimStart().length) + first
  for (const word of words) {
    if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = indent + word
    }
  }
  return [...lines, line]
}

const FAULT_WORDS: Readonly<Record<string, string>> = {
  outOfOrder: 'out of order',
  handshakes: 'failed handshakes',
  closes: 'closed by the server',
  timeOuts: 'time-outs',
  violations: 'violations of the protocol',
  lostPings: 'lost pings',
}

/** A kind of fault as reports name it. */
export function faultWords(fault: string): string {
  return FAULT_WORDS[fault] ?? fault
}
