/** The origin of a service by its host: HTTPS, except on this machine's own loopback, where emulators are. */
export function originOf(host: string): string {
  const name = host.replace(/:\d+$/, '')
  const isLoopback = name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name)
  return `${isLoopback ? 'http' : 'https'}://${host}`
}
