// The command line of `echobahn load` to settings.

import type { z } from 'zod'
import type { LoadSettings } from '../load-settings.js'
import { readArguments } from './argv.js'
import { type GivenOption, type GivenOptions, rejected } from './given-options.js'
import { paragraphs, renderGroups } from './help.js'
import { findLoadConflict } from './load-rules.js'
import { LOAD_GROUPS, LOAD_OPTIONS, loadSchema, MERGE_OPTIONS } from './load-schema.js'
import { url } from './load-values.js'
import type { Texts } from './option.js'
import { badOption } from './problem.js'

/** What of the settings `load merge` looks at. */
export type MergeSettings = Pick<LoadSettings, 'max' | 'json' | 'csv' | 'hgrm' | 'html'>

export type LoadCommand =
  | { readonly action: 'help' }
  | { readonly action: 'load'; readonly settings: LoadSettings }
  | { readonly action: 'merge'; readonly files: readonly string[]; readonly settings: MergeSettings }

const INTRODUCTION = `\
Usage: echobahn load URL... [options]
       echobahn load merge FILE... [--max BOUND] [--json|--csv|--hgrm|--html FILE]

Makes load on a WebSocket echo server, checks every echo to the octet, and tells how long each took.
One of --rate, --in-flight and --find-limit is needed:

  echobahn load ws://127.0.0.1:8888 --connections 1000 --rate 20000 --size 256 --duration 30s

A repeatable flag may be given again. KiB, MiB and GiB are powers of 1024, kB, MB and GB powers of
1000; a size without unit is octets. A duration needs its unit (ms, s or m), except 0.
Exit codes: 0 all came back and all bounds hold, 1 it did not, 2 a bad option, 99 a bound exceeded.`

/**
 * What the user asks for. Throws ExitError of code ECHOBAHN_BAD_OPTION, whose message is one line.
 *
 * @param argv arguments after `load`
 */
export function parseLoad(argv: readonly string[]): LoadCommand {
  const isMerge = argv[0] === 'merge'
  const options = isMerge ? MERGE_OPTIONS : LOAD_OPTIONS
  const { given, actions, words } = readArguments(isMerge ? argv.slice(1) : argv, {
    options,
    actions: ['--help'],
    takesWords: true,
  })
  if (actions.has('--help')) return { action: 'help' }
  const settings = { ...readSettings(given), urls: isMerge ? [] : readUrls(words) }
  if (isMerge) {
    if (words.length === 0) throw badOption('load merge: allowed are names of files that --json wrote, one at least')
    return { action: 'merge', files: words, settings }
  }
  const conflict = findLoadConflict(settings, given)
  if (conflict !== undefined) throw badOption(conflict)
  return { action: 'load', settings }
}

/** No line longer than 100 columns, without a final line feed. */
export function renderLoadHelp(): string {
  return paragraphs([[INTRODUCTION], ...renderGroups(LOAD_GROUPS, LOAD_OPTIONS)])
}

function readUrls(words: readonly string[]): string[] {
  if (words.length === 0) throw badOption(`load: allowed are ${url.allowed}, one at least`)
  return words.map(word => {
    const read = url.type.safeParse(word)
    if (!read.success) throw badOption(`${word}: allowed are ${url.allowed}`)
    return read.data
  })
}

function readSettings(given: GivenOptions): Omit<LoadSettings, 'urls'> {
  const result = loadSchema.safeParse(
    Object.fromEntries(LOAD_OPTIONS.map(({ field }) => [field, inputOf(given.get(field))])),
  )
  if (!result.success) throw badValue(result.error.issues[0], given)
  return result.data
}

function inputOf(given: GivenOption | undefined): Texts {
  return given?.option.repeatable ? [...given.texts] : given?.texts[0]
}

/** The issue's path is the field and, for a repeatable option, which of its texts is wrong. */
function badValue({ path: [field, index = 0], message }: z.core.$ZodIssue, given: GivenOptions) {
  const offender = given.get(field as string) as GivenOption
  return rejected(offender, offender.texts[index as number], `allowed are ${message}`)
}
