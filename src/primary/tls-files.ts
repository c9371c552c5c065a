// Checks certificate and key before any worker reads them, so that a bad file is one clear line and not N dead workers.

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ExitError } from '../errors.js'
import type { Settings } from '../settings.js'

/** Throws ECHOBAHN_TLS_FAILED naming flag and file. Without TLS there is nothing to check. */
export function checkTlsFiles({ tlsCert, tlsKey }: Pick<Settings, 'tlsCert' | 'tlsKey'>): void {
  if (tlsCert === undefined || tlsKey === undefined) return
  const cert = read('--tls-cert', tlsCert)
  const key = read('--tls-key', tlsKey)
  attempt(`--tls-cert=${tlsCert}: not a PEM certificate`, () => createSecureContext({ cert }))
  attempt(`--tls-key=${tlsKey}: not a PEM private key without passphrase`, () => createSecureContext({ key }))
  attempt(`--tls-key=${tlsKey}: not the key of --tls-cert=${tlsCert}`, () => createSecureContext({ cert, key }))
}

function read(flag: string, path: string): Buffer {
  return attempt(`${flag}=${path}: cannot be read`, () => readFileSync(path))
}

function attempt<T>(complaint: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new ExitError('ECHOBAHN_TLS_FAILED', code ? `${complaint} (${code})` : complaint)
  }
}
