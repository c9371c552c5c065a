// Where things are: this package is compiled into bench/.build/src.

import { fileURLToPath } from 'node:url'

export const BENCH = fileURLToPath(new URL('../..', import.meta.url))
export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url))
