// The command line of the runner.

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { ALL_CASES, quickCases, selectCases } from './cases.js'

export const USAGE = `Runs the Autobahn Testsuite against the service and compares what both counted.

npm run autobahn -- [OPTIONS] [-- SERVICE OPTIONS]

  --cases PATTERNS   cases by name, such as '1.*,12.4.3' (default: all ${ALL_CASES.length})
  --quick            families 1 to 10, and of each group of 12 and 13 the messages up to 1,024 octets and one fragmented case
  --jobs N           processes of the suite at a time (default: number of cores)
  --wstest PATH      the suite's program, if it is installed already
  --url URL          test a service that runs already, instead of starting one
  --admin-url URL    its admin server, such as http://127.0.0.1:8889
  --through nghttpx  over HTTP/2: through that proxy, which must be installed; frames go as they are
  --no-reconcile     take the suite's word alone; for a --url without connection reports
  --help

With GRAFANA_URL and GRAFANA_TOKEN in the environment, the run and its groups of cases are marked in Grafana as they end; else
in reports/autobahn/annotations.json.

SERVICE OPTIONS are flags of echobahn for the service that is started, such as --workers 1.`

export interface Options {
  readonly cases: readonly string[]
  readonly jobs: number
  readonly wstest: string | undefined
  /** A service that runs already; undefined starts one. */
  readonly url: string | undefined
  readonly adminUrl: string | undefined
  readonly reconcile: boolean
  /** Cases go through nghttpx, which speaks HTTP/2 to the service. */
  readonly throughNghttpx: boolean
  readonly serviceOptions: readonly string[]
  readonly help: boolean
}

/** The command line cannot be followed; the message says why. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(argv: readonly string[]): Options {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length
  const serviceOptions = argv.slice(end + 1)
  const values = flagsOf(argv.slice(0, end))
  if (values.url === undefined && values['admin-url'] !== undefined) throw new UsageError('--admin-url goes with --url')
  if (values.url !== undefined && serviceOptions.length > 0)
    throw new UsageError('options behind -- are for a service that is started, --url names one that runs already')
  if (values.url !== undefined && values['admin-url'] === undefined && !values['no-reconcile'])
    throw new UsageError('--url needs --admin-url to compare counts, or --no-reconcile')
  const { through } = values
  if (through !== undefined && through !== 'nghttpx') throw new UsageError(`--through takes nghttpx, not ${through}`)
  if (through !== undefined && values.url !== undefined)
    throw new UsageError('--through is for a service that is started, --url names one that runs already')
  return {
    cases: chosenCases(values.cases, values.quick),
    jobs: positive('--jobs', values.jobs) ?? availableParallelism(),
    wstest: values.wstest,
    url: values.url,
    adminUrl: values['admin-url'],
    reconcile: !values['no-reconcile'],
    throughNghttpx: through !== undefined,
    serviceOptions,
    help: values.help,
  }
}

function flagsOf(args: string[]) {
  const flag = { type: 'boolean', default: false } as const
  const value = { type: 'string' } as const
  try {
    return parseArgs({
      args,
      options: {
        ...{ cases: value, jobs: value, wstest: value, url: value, 'admin-url': value, through: value },
        ...{ quick: flag, 'no-reconcile': flag, help: flag },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function chosenCases(patterns: string | undefined, quick: boolean): readonly string[] {
  if (patterns !== undefined && quick) throw new UsageError('--cases and --quick exclude each other')
  if (quick) return quickCases()
  if (patterns === undefined) return ALL_CASES
  try {
    return selectCases(patterns)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function positive(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,3}$/.test(value)) throw new UsageError(`${flag} takes a number from 1 to 9999, not ${value}`)
  return Number(value)
}
