// Reads the command line: which flags were given, with which texts.

import { parseArgs } from 'node:util'
import type { ExitError } from '../errors.js'
import { type GivenOption, type GivenOptions, rejected } from './given-options.js'
import type { Option } from './option.js'
import { badOption, didYouMean, MASK, nameIn } from './problem.js'
import { OPTIONS } from './schema.js'

/** What may stand on a command line. */
export interface Grammar {
  readonly options: readonly Option[]
  /** Flags and words that ask for something else than the command's usual work. */
  readonly actions: readonly string[]
  /** Whether there may be words that are no flags, such as URLs. */
  readonly takesWords: boolean
}

/** What stood on it. */
export interface Arguments {
  readonly given: GivenOptions
  readonly actions: ReadonlySet<string>
  readonly words: readonly string[]
}

/** Arguments that ask for something else than starting the service; of several, the first here wins. */
export const ACTIONS = [
  { action: 'help', argument: '--help', help: 'Print this and exit.' },
  { action: 'version', argument: '--version', help: 'Print the version and exit.' },
  { action: 'print-config', argument: '--print-config', help: 'Print the configuration in force as JSON and exit.' },
  {
    action: 'healthcheck',
    argument: 'healthcheck',
    help: 'Ask the service that runs with these options whether it is ready, and have it echo a message. Exits with 0 when both succeed, else with 1.',
  },
] as const

export type Action = (typeof ACTIONS)[number]['action'] | 'run'

const SERVICE: Grammar = { options: OPTIONS, actions: ACTIONS.map(({ argument }) => argument), takesWords: false }

/** Throws ExitError for an unknown flag, a stray argument, a missing value or a repetition. */
export function readArgv(argv: readonly string[]): { action: Action; given: GivenOptions } {
  const { actions, given } = readArguments(argv, SERVICE)
  return { action: ACTIONS.find(({ argument }) => actions.has(argument))?.action ?? 'run', given }
}

/** The same for any command. */
export function readArguments(argv: readonly string[], grammar: Grammar): Arguments {
  const optionByFlag = new Map(grammar.options.map(option => [option.flag, option]))
  const words: string[] = []
  const given = new Map<string, GivenOption>()
  const actions = new Set<string>()
  for (const token of parseArgs({ ...parserOf(grammar), args: [...argv] }).tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'option') {
      const option = optionByFlag.get(token.rawName)
      if (option !== undefined) given.set(option.field, withText(given.get(option.field), option, token))
      else if (grammar.actions.includes(token.rawName)) addAction(token.rawName, token.value, actions)
      else throw unknownFlag(argv[token.index], flagsOf(grammar))
    } else if (grammar.actions.includes(token.value)) addAction(token.value, undefined, actions)
    else if (grammar.takesWords) words.push(token.value)
    else throw strayArgument(token.value, given)
  }
  return { given, actions, words }
}

function flagsOf({ options, actions }: Grammar): string[] {
  return [...options.map(({ flag }) => flag), ...actions].filter(argument => argument.startsWith('--'))
}

/** Not strict: parseArgs then reports what it sees, and the errors are worded here. */
function parserOf(grammar: Grammar) {
  const valued = new Set(grammar.options.filter(({ isSwitch }) => !isSwitch).map(({ flag }) => flag))
  const options = Object.fromEntries(
    flagsOf(grammar).map(flag => [flag.slice(2), { type: valued.has(flag) ? 'string' : 'boolean' } as const]),
  )
  return { options, strict: false, tokens: true } as const
}

interface FlagToken {
  readonly value: string | undefined
  readonly inlineValue: boolean | undefined
}

function withText(before: GivenOption | undefined, option: Option, { value, inlineValue }: FlagToken): GivenOption {
  const given = { option, source: option.flag, texts: before?.texts ?? [] }
  if (option.isSwitch) return withSwitch(given, before, value)
  // parseArgs reads `--host --port 80` as the host `--port`, which nobody means.
  const isMissing = value === undefined || (!inlineValue && value.startsWith('--'))
  if (isMissing) throw badOption(`${option.flag}: needs a value; allowed are ${option.allowed}`)
  if (before !== undefined && !option.repeatable) throw rejected(given, value, 'given twice; allowed is once')
  return { ...given, texts: [...given.texts, value] }
}

function withSwitch(given: GivenOption, before: GivenOption | undefined, value: string | undefined): GivenOption {
  const { flag } = given.option
  if (value !== undefined) throw badOption(`${flag}=${value}: takes no value; allowed is ${flag} alone`)
  if (before !== undefined) throw badOption(`${flag}: given twice; allowed is once`)
  return { ...given, texts: ['on'] }
}

function addAction(argument: string, value: string | undefined, actions: Set<string>): void {
  if (value !== undefined) throw badOption(`${argument}=${value}: takes no value; allowed is ${argument} alone`)
  if (actions.has(argument)) throw badOption(`${argument}: given twice; allowed is once`)
  actions.add(argument)
}

function unknownFlag(argument: string, flags: readonly string[]): ExitError {
  const name = nameIn(argument)
  const hint = didYouMean(name.replace(/^-+/, '--'), flags)
  return badOption(`${name}: no such flag${hint}; allowed are those that --help lists`)
}

function strayArgument(argument: string, given: GivenOptions): ExitError {
  // It may be the rest of a secret that the shell split.
  const isDoubtful = [...given.values()].some(({ option }) => option.secret)
  const name = nameIn(argument)
  const shown = isDoubtful ? MASK : name === argument ? name : `${name}…`
  return badOption(`stray argument "${shown}": allowed are the flags that --help lists`)
}
