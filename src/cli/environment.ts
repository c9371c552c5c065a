// Reads the environment: which ECHOBAHN_ variables are set, with which texts.

import type { ExitError } from '../errors.js'
import type { GivenOption, GivenOptions } from './given-options.js'
import { badOption, didYouMean } from './problem.js'
import { OPTIONS, VARIABLE_PREFIX } from './schema.js'

const OPTION_BY_VARIABLE = new Map(OPTIONS.map(option => [option.variable, option]))

/**
 * Throws ExitError for a variable with our prefix that is none of ours: a typo must not be silent. An empty
 * variable is a value like any other, for `ECHOBAHN_ADMIN_TOKEN=$UNSET` must not open the admin server.
 */
export function readEnvironment(env: NodeJS.ProcessEnv): GivenOptions {
  const given = new Map<string, GivenOption>()
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || text === undefined) continue
    const option = OPTION_BY_VARIABLE.get(variable)
    if (option === undefined) throw unknownVariable(variable)
    const texts = option.repeatable ? text.split(',').map(item => item.trim()) : [text]
    given.set(option.field, { option, source: variable, texts })
  }
  return given
}

function unknownVariable(variable: string): ExitError {
  const hint = didYouMean(variable, OPTION_BY_VARIABLE.keys())
  return badOption(`${variable}: no such variable${hint}; allowed are those that --help lists`)
}
