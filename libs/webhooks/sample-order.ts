import { isoSeconds } from '#webhooks/sample-json.ts';

/** As WooCommerce's REST API v3 has it: totals are texts. */
export function sampleOrder(n: number, nowMs: number): object {
  return {
    id: n,
    number: String(n),
    order_key: `wc_order_${n}`,
    status: 'processing',
    currency: 'EUR',
    date_created_gmt: isoSeconds(nowMs),
    date_modified_gmt: isoSeconds(nowMs),
    total: '42.00',
    customer_id: 7,
    billing: { first_name: 'Jörg', last_name: 'Müller', email: 'Joerg@Example.com', phone: '+49 151 12345678' },
    line_items: [{ id: 1, name: 'Tea & <b>biscuits</b>', quantity: 2, total: '42.00' }],
  };
}
