// Reads the command line: which flags were given, with which texts.

import { parseArgs } from 'node:util'
import type { ExitError } from '../errors.js'
import type { Settings } from '../settings.js'
import { type GivenOption, type GivenOptions, rejected } from './given-options.js'
import { badOption, didYouMean, MASK, nameIn } from './problem.js'
import { OPTIONS, type Option } from './schema.js'

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

const OPTION_BY_FLAG = new Map(OPTIONS.map(option => [option.flag, option]))
const ARGUMENTS: readonly string[] = [...OPTION_BY_FLAG.keys(), ...ACTIONS.map(({ argument }) => argument)]
const FLAGS = ARGUMENTS.filter(argument => argument.startsWith('--'))
const SUBCOMMANDS = ARGUMENTS.filter(argument => !argument.startsWith('--'))

// Not strict: parseArgs then reports what it sees, and the errors are worded here.
const PARSER = {
  options: Object.fromEntries(
    FLAGS.map(flag => [flag.slice(2), { type: OPTION_BY_FLAG.has(flag) ? 'string' : 'boolean' } as const]),
  ),
  strict: false,
  tokens: true,
} as const

type Token = ReturnType<typeof parseArgs<typeof PARSER>>['tokens'][number]
type FlagToken = Extract<Token, { kind: 'option' }>

/** Throws ExitError for an unknown flag, a stray argument, a missing value or a repetition. */
export function readArgv(argv: readonly string[]): { action: Action; given: GivenOptions } {
  const given = new Map<keyof Settings, GivenOption>()
  const actions = new Set<string>()
  const readFlag = (token: FlagToken): void => {
    const option = OPTION_BY_FLAG.get(token.rawName)
    if (option !== undefined) given.set(option.field, withText(given.get(option.field), option, token))
    else if (FLAGS.includes(token.rawName)) addAction(token.rawName, token.value, actions)
    else throw unknownFlag(argv[token.index])
  }
  for (const token of parseArgs({ ...PARSER, args: [...argv] }).tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'option') readFlag(token)
    else if (SUBCOMMANDS.includes(token.value)) addAction(token.value, undefined, actions)
    else throw strayArgument(token.value, given)
  }
  return { action: ACTIONS.find(({ argument }) => actions.has(argument))?.action ?? 'run', given }
}

function withText(before: GivenOption | undefined, option: Option, { value, inlineValue }: FlagToken): GivenOption {
  const given = { option, source: option.flag, texts: before?.texts ?? [] }
  // parseArgs reads `--host --port 80` as the host `--port`, which nobody means.
  const isMissing = value === undefined || (!inlineValue && value.startsWith('--'))
  if (isMissing) throw badOption(`${option.flag}: needs a value; allowed are ${option.allowed}`)
  if (before !== undefined && !option.repeatable) throw rejected(given, value, 'given twice; allowed is once')
  return { ...given, texts: [...given.texts, value] }
}

function addAction(argument: string, value: string | undefined, actions: Set<string>): void {
  if (value !== undefined) throw badOption(`${argument}=${value}: takes no value; allowed is ${argument} alone`)
  if (actions.has(argument)) throw badOption(`${argument}: given twice; allowed is once`)
  actions.add(argument)
}

function unknownFlag(argument: string): ExitError {
  const name = nameIn(argument)
  const hint = didYouMean(name.replace(/^-+/, '--'), FLAGS)
  return badOption(`${name}: no such flag${hint}; allowed are those that --help lists`)
}

function strayArgument(argument: string, given: GivenOptions): ExitError {
  // It may be the rest of a secret that the shell split.
  const isDoubtful = [...given.values()].some(({ option }) => option.secret)
  const name = nameIn(argument)
  const shown = isDoubtful ? MASK : name === argument ? name : `${name}…`
  return badOption(`stray argument "${shown}": allowed are the flags that --help lists`)
}
