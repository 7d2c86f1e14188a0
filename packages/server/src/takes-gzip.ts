/** Whether an `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3); a weight of zero, however it is spelt, means no. */
export function takesGzip(acceptEncoding: string | readonly string[] | undefined): boolean {
  return String(acceptEncoding ?? '')
    .split(',')
    .some((offer) => {
      const [coding = '', ...parameters] = offer.split(';').map((part) => part.trim().toLowerCase())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1'
      return (coding === 'gzip' || coding === '*') && Number(weight) > 0
    })
}
