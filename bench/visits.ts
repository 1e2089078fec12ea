/** Makes GET requests for one path as whole runs of bytes, in turn from so many clients behind a proxy. */
export function openVisits({ path, host, clients }: { path: string; host: string; clients: number }): () => Buffer {
  const visits = Array.from({ length: clients }, (_, client) => {
    const address = `198.18.${(client >> 8) & 255}.${client & 255}`;
    return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nx-forwarded-for: ${address}\r\n\r\n`);
  });
  let next = 0;
  return () => {
    const visit = visits[next % visits.length] as Buffer;
    next += 1;
    return visit;
  };
}
