// Why a connection is not read, as metrics and reports name it; the weightier reason first: of several the first counts.

export const PAUSE_REASONS = ['memory', 'codec', 'high_water', 'closing', 'turn'] as const

export type PauseReason = (typeof PAUSE_REASONS)[number]
