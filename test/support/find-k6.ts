// The program k6: named by K6, or on the PATH, or where `.ci/run` puts it.

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))

const CANDIDATES = [process.env.K6 ?? 'k6', join(ROOT, '.cache/k6/bin/k6')]

/** Undefined where there is none. */
export const K6 = CANDIDATES.find(program => spawnSync(program, ['version']).status === 0)
