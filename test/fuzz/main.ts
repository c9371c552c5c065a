// `npm run fuzz`: frame streams and deflate messages against their oracles for some minutes.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { Fuzz } from './fuzz.js'

const USAGE = `Feeds mutated frame streams to the decoder and deflate messages to the codec, with ws and node:zlib as oracles.

npm run fuzz -- [OPTIONS]

  --minutes N   how long (default: 1)
  --seed N      whole number that gives the same inputs again (default: another each time)
  --only N      nothing but the input of this number, as a failure names it
  --help`

/** Inputs between two looks at the clock. */
const ROUND = 1000
/** Milliseconds between two lines. */
const PROGRESS = 60_000

function numberOf(name: string, value: string, least: number): number {
  const number = Number(value)
  if (value.trim() === '' || !(number >= least))
    throw new Error(`--${name} ${value}: not a number of at least ${least}`)
  return number
}

async function run(minutes: number, seed: number): Promise<void> {
  const fuzz = new Fuzz(seed)
  const started = performance.now()
  let told = started
  const elapsed = () => (performance.now() - started) / 1000
  const report = () => {
    const perSecond = Math.round((fuzz.streams + fuzz.messages) / elapsed())
    console.log(`${fuzz.streams} streams, ${fuzz.messages} deflate messages, ${perSecond} a second`)
  }
  console.log(`seed ${seed}`)
  // Every other input is refused with an error, whose stack nobody reads.
  Error.stackTraceLimit = 0
  for (let input = 0; elapsed() < minutes * 60; ) {
    for (const end = input + ROUND; input < end; input++) await fuzz.check(input)
    if (performance.now() - told < PROGRESS) continue
    told = performance.now()
    report()
  }
  report()
  console.log(`${fuzz.explained} streams that ws takes otherwise, each for a listed reason`)
  for (const [verdict, count] of [...fuzz.verdicts].sort()) console.log(`${verdict}: ${count}`)
}

try {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: String(randomInt(2 ** 31)) },
      only: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const seed = Math.trunc(numberOf('seed', values.seed, 0))
  if (values.help) console.log(USAGE)
  else if (values.only !== undefined) await new Fuzz(seed).check(numberOf('only', values.only, 0))
  else await run(numberOf('minutes', values.minutes, 0), seed)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
