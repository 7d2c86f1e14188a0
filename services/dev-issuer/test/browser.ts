/** As much of a browser as a sign-in needs: cookies with paths, forms, redirects within the issuer. */

export type Page = {
  readonly status: number
  readonly url: string
  readonly html: string
  readonly headers: Headers
  readonly location: string | null
}

export type Browser = {
  /** Follows redirects for as long as they stay at the issuer. */
  open(url: string, form?: Record<string, string>): Promise<Page>
  /** Submits the only form of the page, with its hidden fields and the given ones. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
}

export function createBrowser(origin: string): Browser {
  const cookies = new Map<string, { readonly value: string; readonly path: string }>()

  function remember(headers: Headers): void {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(/; */)
      const name = pair.slice(0, pair.indexOf('='))
      const path =
        attributes.find((attribute) => attribute.toLowerCase().startsWith('path='))?.slice(5) ?? '/'
      const expired = attributes.some((attribute) => attribute.startsWith('expires=Thu, 01 Jan 1970'))
      if (expired) cookies.delete(`${name} ${path}`)
      else cookies.set(`${name} ${path}`, { value: pair, path })
    }
  }

  function cookieHeader(path: string): string {
    return [...cookies.values()]
      .filter((cookie) => path.startsWith(cookie.path))
      .map(({ value }) => value)
      .join('; ')
  }

  async function open(url: string, form?: Record<string, string>): Promise<Page> {
    let target = new URL(url)
    let body = form === undefined ? undefined : new URLSearchParams(form)
    for (let hop = 0; hop < 10; hop++) {
      const response = await fetch(target, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          cookie: cookieHeader(target.pathname),
          accept: 'text/html',
          ...(body === undefined ? {} : { origin }),
        },
        redirect: 'manual',
        ...(body === undefined ? {} : { body }),
      })
      remember(response.headers)
      const location = response.headers.get('location')
      const next = location === null ? null : URL.parse(location, target.href)
      if (next === null || next.origin !== origin) {
        return {
          status: response.status,
          url: target.href,
          html: await response.text(),
          headers: response.headers,
          location,
        }
      }
      await response.body?.cancel()
      target = next
      body = undefined
    }
    throw new Error('too many redirects')
  }

  return {
    open,
    async submit(page, fields) {
      const action = unescape(/<form method="post" action="([^"]*)"/.exec(page.html)?.[1] ?? '')
      const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
      const values = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, unescape(value)]))
      return open(new URL(action, page.url).href, { ...values, ...fields })
    },
  }
}

function unescape(text: string): string {
  return text.replaceAll(/&#(\d+);/g, (_match, code: string) => String.fromCharCode(Number(code)))
}
