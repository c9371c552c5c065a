// The one line that a user sees when an option is wrong: flag or variable, value, and what is allowed.

import { ExitError } from '../errors.js'
import { nearestName } from '../nearest-name.js'

/** Stands in for a value that must not reach a terminal or a log. */
export const MASK = '***'

/** An error of code ECHOBAHN_BAD_OPTION. Control and format characters are escaped, so that it stays one honest line. */
export function badOption(line: string): ExitError {
  return new ExitError('ECHOBAHN_BAD_OPTION', line.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, escapeCharacter))
}

/** An argument up to where a value may begin: a mistyped `--admin-tokn=secret` must not tell the secret. */
export function nameIn(argument: string): string {
  return argument.split(/[=:\s]/, 1)[0]
}

/** A hint at the name nearest to an unknown one, or nothing when none is near. */
export function didYouMean(unknown: string, known: Iterable<string>): string {
  const nearest = nearestName(unknown, known)
  return nearest === undefined ? '' : ` (did you mean ${nearest}?)`
}

function escapeCharacter(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`
}
