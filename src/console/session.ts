// The admin token, kept as long as the tab is open, and questions to the admin server with it.

const KEY = 'echobahn-token'

export function token(): string | undefined {
  return sessionStorage.getItem(KEY) ?? undefined
}

export function keepToken(value: string): void {
  sessionStorage.setItem(KEY, value)
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY)
}

/** What the admin server refused, with its own sentence. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Asks for JSON.
 *
 * @param path relative, so that it holds behind a proxy as well
 * @throws Refusal for any status but 200; status 0 where there was no answer
 */
export async function ask<T>(path: string): Promise<T> {
  const response = await answerTo(path)
  const body = await response.json().catch(() => undefined)
  if (response.ok) return body as T
  throw new Refusal(response.status, body?.error?.message ?? response.statusText)
}

async function answerTo(path: string): Promise<Response> {
  const known = token()
  const headers = { accept: 'application/json', ...(known !== undefined && { authorization: `Bearer ${known}` }) }
  try {
    return await fetch(path, { headers })
  } catch {
    throw new Refusal(0, 'the admin server does not answer')
  }
}

/** Offers a text to be saved as a file. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
