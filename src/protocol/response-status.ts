// The status of a response, of its text as it was sent or as it is kept of HTTP/2.

const STATUS = /^(?:HTTP\/1\.1 |:status: )(\d{3})/

/** Undefined where there is none. */
export function statusOf(response: string): number | undefined {
  const [, status] = STATUS.exec(response) ?? []
  return status === undefined ? undefined : Number(status)
}
