// Command line and environment to settings. Flags win over variables, variables over defaults.

import type { z } from 'zod'
import type { ExitError } from '../errors.js'
import type { Settings } from '../settings.js'
import { readArgv } from './argv.js'
import { readEnvironment } from './environment.js'
import { type GivenOption, type GivenOptions, rejected } from './given-options.js'
import type { Texts } from './option.js'
import { findConflict } from './rules.js'
import { OPTIONS, settingsSchema } from './schema.js'

export type Command =
  | { readonly action: 'help' | 'version' }
  | { readonly action: 'run' | 'print-config' | 'healthcheck'; readonly settings: Settings }

/**
 * What the user asks for. Throws ExitError of code ECHOBAHN_BAD_OPTION, whose message is one line.
 * Help and version do not look at values or variables: a user with a bad one needs them.
 *
 * @param argv arguments after the script, `process.argv.slice(2)`
 */
export function parse(argv: readonly string[], env: NodeJS.ProcessEnv): Command {
  const { action, given } = readArgv(argv)
  if (action === 'help' || action === 'version') return { action }
  return { action, settings: readSettings(new Map([...readEnvironment(env), ...given])) }
}

function readSettings(given: GivenOptions): Settings {
  // Zod keeps an undefined field only if the input has it, and every field of the settings is to be there.
  const result = settingsSchema.safeParse(
    Object.fromEntries(OPTIONS.map(({ field }) => [field, inputOf(given.get(field))])),
  )
  if (!result.success) throw badValue(result.error.issues[0], given)
  const conflict = findConflict(result.data, given)
  if (conflict !== undefined) throw rejected(conflict.offender, conflict.offender.texts[0], conflict.why)
  return result.data
}

function inputOf(given: GivenOption | undefined): Texts {
  return given?.option.repeatable ? [...given.texts] : given?.texts[0]
}

/** The issue's path is the field and, for a repeatable option, which of its texts is wrong. */
function badValue({ path: [field, index = 0], message }: z.core.$ZodIssue, given: GivenOptions): ExitError {
  const offender = given.get(field as string) as GivenOption
  return rejected(offender, offender.texts[index as number], `allowed are ${message}`)
}
