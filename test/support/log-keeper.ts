// A log that keeps its lines.

import { type Logger, pino } from 'pino'
import type { LogLine } from './service.js'

export class LogKeeper {
  readonly lines: LogLine[] = []
  readonly logger: Logger = pino({ level: 'trace' }, { write: line => void this.lines.push(JSON.parse(line)) })
}
