// EICAR in two halves, joined at run time: as one text it would be found on developers' machines.
const EICAR_HALVES = ['X5O!P%@AP[4\\PZX54(P^)7CC)7}$', 'EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*'] as const;

/** The harmless file that every scanner must find (eicar.org), 68 bytes. */
export function eicar(): Buffer {
  return Buffer.from(EICAR_HALVES.join(''), 'latin1');
}

/** Found at any place of any file by the test signatures. */
export const MARKER = 'INGRESS-AV-TEST-MARKER-7f3a9c';

const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

/**
 * The signature database that is used where no official one can be had: it finds EICAR, ClamAV's own test file, a
 * marker, macros and scripted PDFs, and nothing that is really dangerous. File names to contents.
 */
export function testSignatures(): Record<string, string> {
  return {
    'local.hdb':
      '44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-File\naa15bcf478d165efd2065190eb473bcb:544:ClamAV-Test-File\n',
    'local.hsb': '275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Eicar-Test-File-SHA256\n',
    'local.ndb': [
      `Eicar-Test-Signature:0:0:${EICAR_HALVES.map(hex).join('')}`,
      `Local-Test-Marker:0:*:${hex(MARKER)}`,
      '',
    ].join('\n'),
    'local.cdb': [
      String.raw`Local.Office.VBA-Project:CL_TYPE_OOXML_WORD:*:vbaProject\.bin:*:*:*:*:*:*`,
      String.raw`Local.Office.VBA-ProjectZip:CL_TYPE_ZIP:*:vbaProject\.bin:*:*:*:*:*:*`,
      '',
    ].join('\n'),
    'local.yara':
      'rule local_pdf_js { strings: $a="%PDF-" $b="/JavaScript" $c="/OpenAction" condition: $a at 0 and $b and $c }\n',
  };
}
