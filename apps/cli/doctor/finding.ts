/** One thing that was looked at. */
export interface Finding {
  /** `unknown`: could not be looked at from here. */
  state: 'well' | 'worth-a-look' | 'wrong' | 'unknown';
  text: string;
  /** What to do about it. */
  fix?: string;
}

export const well = (text: string): Finding => ({ state: 'well', text });
export const wrong = (text: string, fix: string): Finding => ({ state: 'wrong', text, fix });
export const worthALook = (text: string, fix: string): Finding => ({ state: 'worth-a-look', text, fix });
export const unknown = (text: string): Finding => ({ state: 'unknown', text });
