// The folder of the project.

import { createRequire } from 'node:module'
import { dirname } from 'node:path'

export const ROOT = dirname(createRequire(import.meta.url).resolve('#package.json'))
