// What servers serve wss with, and what the load checks it by: the same certificate, TLS version and cipher for all.

import { join } from 'node:path'
import { REPOSITORY } from './paths.js'

const FOLDER = join(REPOSITORY, 'test/fixtures/tls')

/** PEM files: a self-signed certificate for 127.0.0.1 with a key on the curve P-256. */
export const CERTIFICATE = { cert: join(FOLDER, 'first.crt'), key: join(FOLDER, 'first.key') }

/** All that a client offers, so no server can prefer a cheaper one (names of RFC 8446 appendix B.4). */
export const CIPHER = 'TLS_AES_256_GCM_SHA384'
export const TLS_VERSION = 'TLSv1.3'
