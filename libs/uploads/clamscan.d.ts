declare module 'clamscan' {
  import type { Duplex, Readable } from 'node:stream';

  export interface ScanResult {
    isInfected: boolean | null;
    resultString: string;
  }

  export default class NodeClam {
    init(options: Record<string, unknown>): Promise<NodeClam>;
    scanStream(stream: Readable): Promise<ScanResult>;
    /** Private to the package. */
    _initSocket(label?: string): Promise<Duplex>;
  }
}
