// A strict parser of the Prometheus text format 0.0.4, written from its specification and not from prom-client.

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"'
const HELP_LINE = new RegExp(`^# HELP (${NAME}) .+$`)
const TYPE_LINE = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`)
const SAMPLE_LINE = new RegExp(`^((${NAME})(\\{${LABEL}(?:,${LABEL})*\\})?) (\\S+)$`)

/**
 * Values of all series, keyed by the series as the text has it, for example
 * `echobahn_frames_total{direction="sent",opcode="text"}`.
 *
 * @throws Error naming the first line that is not in the format, repeats a series or a family, or has no TYPE before it.
 */
export function parseExposition(text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end')
  const families = new Map<string, string>()
  const series = new Map<string, number>()
  let family = ''
  for (const line of text.split('\n')) {
    const help = line.match(HELP_LINE)
    const type = line.match(TYPE_LINE)
    const sample = line.match(SAMPLE_LINE)
    if (line === '' || help) continue
    if (type) {
      if (families.has(type[1])) throw new Error(`a second family: ${line}`)
      family = type[1]
      families.set(family, type[2])
    } else if (sample) {
      const [, key, name, , value] = sample
      if (!belongs(name, family, families.get(family))) throw new Error(`outside its family: ${line}`)
      if (series.has(key)) throw new Error(`a second time: ${line}`)
      series.set(key, numberOf(value, line))
    } else throw new Error(`not in the format: ${line}`)
  }
  return series
}

function belongs(name: string, family: string, type: string | undefined): boolean {
  if (type === 'histogram') return ['_bucket', '_sum', '_count'].some(suffix => name === family + suffix)
  if (type === 'summary') return ['', '_sum', '_count'].some(suffix => name === family + suffix)
  return name === family
}

/** Prometheus reads the words without regard to case. */
const WORDS: Readonly<Record<string, number>> = { nan: Number.NaN, '+inf': Infinity, '-inf': -Infinity }

function numberOf(value: string, line: string): number {
  const number = WORDS[value.toLowerCase()] ?? Number(value)
  if (Number.isNaN(number) && value.toLowerCase() !== 'nan') throw new Error(`not a number: ${line}`)
  return number
}
