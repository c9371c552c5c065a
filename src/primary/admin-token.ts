// The token that the admin server asks for: given, or read from a file that may change while the service runs.

import { readFileSync } from 'node:fs'
import { BEARER_TOKEN_ALLOWED, isBearerToken } from '../bearer-token.js'
import { ExitError } from '../errors.js'
import type { Settings } from '../settings.js'

export class AdminToken {
  readonly #file: string | undefined
  #token: string | undefined

  /** @throws ExitError of code ECHOBAHN_BAD_OPTION: the file cannot be read, or holds no token. */
  constructor({ adminToken, adminTokenFile }: Pick<Settings, 'adminToken' | 'adminTokenFile'>) {
    this.#file = adminTokenFile
    this.#token = adminToken
    this.readAgain()
  }

  /** Undefined asks for none. */
  get current(): string | undefined {
    return this.#token
  }

  /**
   * The file's token from now on.
   *
   * @throws ExitError as the constructor; the token stays as it was.
   */
  readAgain(): void {
    if (this.#file !== undefined) this.#token = tokenIn(this.#file)
  }
}

/** White space around the token, such as a line end, is not part of it. */
function tokenIn(file: string): string {
  const token = textOf(file).trim()
  if (isBearerToken(token)) return token
  throw badFile(file, `allowed are ${BEARER_TOKEN_ALLOWED}, in one line`)
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw badFile(file, (error as Error).message)
  }
}

function badFile(file: string, why: string): ExitError {
  return new ExitError('ECHOBAHN_BAD_OPTION', `--admin-token-file=${file}: ${why}`)
}
