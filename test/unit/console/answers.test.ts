// The shapes that the console reads are those that the service answers: the compiler judges it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FilterDescription } from '../../../src/admin/connection-query.js'
import type { LiveState, WorkerView } from '../../../src/admin/view.js'
import type * as Console from '../../../src/console/answers.js'
import type { Column, Row, ToldHistory } from '../../../src/console/series.js'
import type { Catalogue } from '../../../src/controls/catalogue.js'
import type * as History from '../../../src/primary/history.js'
import type { LiveColumn } from '../../../src/primary/live-columns.js'
import type * as Service from '../../../src/report/report.js'

/** Whether the service's type has all that the console reads, as the console reads it. */
type Fits<Answer, Read> = [Answer] extends [Read] ? true : false

const FIT: readonly true[] = [
  true satisfies Fits<Service.ConnectionReport, Console.Report>,
  true satisfies Fits<Service.RefusalReport, Console.Refused>,
  true satisfies Fits<Service.ConnectionSummary, Console.Summary>,
  true satisfies Fits<Service.ReportCounts, Pick<Console.ConnectionList, 'kept' | 'evicted'>>,
  true satisfies Fits<Service.WireEvent, Console.WireEvent>,
  true satisfies Fits<Console.WireEvent, Service.WireEvent>,
  true satisfies Fits<FilterDescription, Console.Filter>,
  true satisfies Fits<LiveState, Console.State>,
  true satisfies Fits<WorkerView, Console.WorkerState>,
  true satisfies Fits<Catalogue, Console.Catalogue>,
  true satisfies Fits<LiveColumn, Column>,
  true satisfies Fits<History.ToldHistory, ToldHistory>,
  true satisfies Fits<History.Row, Row>,
]

test('the console’s shapes fit the service’s', () => {
  assert.ok(FIT.every(fits => fits))
})
