/** What headers such as `Accept` and `Accept-Encoding` offer (RFC 9110 section 12.4.2). */

/** The weight of each offer by its lower-case name, 0 to 1: 0 refuses it. Offers whose weight is none are passed over. */
export function weightsOf(offers: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>()
  for (const offer of offers.split(',')) {
    const [name = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1'
    if (name !== '' && /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(weight))
      weights.set(name, Number(weight))
  }
  return weights
}

/** Whether `Accept-Encoding` takes gzip: what is said of it by name counts before what is said of all. */
export function takesGzip(acceptEncoding: string | readonly string[] | undefined): boolean {
  const weights = weightsOf(String(acceptEncoding ?? ''))
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0
}
