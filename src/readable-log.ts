// A line of the log for a person at a terminal: time of day, severity, what happened, and under which circumstances.

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

interface Line {
  readonly level: number
  /** As ISO 8601 has it, in UTC. */
  readonly time: string
  readonly pid: number
  readonly msg?: string
  readonly err?: { readonly stack: string }
  readonly [field: string]: unknown
}

/**
 * `10:15:30.123 info  serving service=ws://127.0.0.1:8888 workers=2` of a line of JSON as pino writes it; the time is UTC.
 * An error's stack follows, indented. The process's number is left out, workers have their own.
 */
export function readable(json: string): string {
  const { level, time, pid: _, msg, err, ...rest } = JSON.parse(json) as Line
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${shown(value)}`)
  const head = [time.slice(11, 23), (LEVELS[level] ?? String(level)).padEnd(5), msg ?? '', ...fields]
    .join(' ')
    .trimEnd()
  return [head, ...(err?.stack.split('\n').map(line => `  ${line}`) ?? [])].map(line => `${line}\n`).join('')
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
}
