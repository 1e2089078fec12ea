import type { Json, JsonObject, OrderData } from '#webhooks/event.ts';
import { compact, objectOf, textOf } from '#webhooks/read-json.ts';
import { customerSubject, emailSubject, phoneSubject, subjectsOf } from '#webhooks/subject.ts';

export function orderData(order: JsonObject): JsonObject {
  const billing = billingOf(order);
  const customer = objectOf(order['customer']);
  const names = [billing['first_name'], billing['last_name']]
    .map((name) => textOf(name))
    .filter((name) => name !== undefined);
  return compact({
    id: textOf(order['id']),
    number: textOf(order['number']) ?? textOf(order['name']),
    status: textOf(order['status']) ?? textOf(order['financial_status']),
    currency: textOf(order['currency']),
    total: textOf(order['total']) ?? textOf(order['total_price']),
    customerId: textOf(order['customer_id']) ?? textOf(customer['id']),
    email: textOf(order['email']) ?? textOf(billing['email']),
    phone: textOf(billing['phone']) ?? textOf(order['phone']),
    name: names.length > 0 ? names.join(' ') : undefined,
  } satisfies OrderData);
}

/** Whom an order, a customer or a like resource is about. */
export function shopSubjects(resource: JsonObject, isCustomer: boolean): string[] {
  const billing = billingOf(resource);
  const customer = objectOf(resource['customer']);
  const phones: (Json | undefined)[] = [billing['phone'], resource['phone'], customer['phone']];
  const emails: (Json | undefined)[] = [
    resource['email'],
    billing['email'],
    customer['email'],
    resource['contact_email'],
  ];
  return subjectsOf(
    customerSubject(textOf(isCustomer ? resource['id'] : (resource['customer_id'] ?? customer['id']))),
    ...emails.map((email) => emailSubject(textOf(email))),
    ...phones.map((phone) => phoneSubject(textOf(phone))),
  );
}

/** WooCommerce says `billing`, Shopify `billing_address`. */
function billingOf(resource: JsonObject): JsonObject {
  return objectOf(resource['billing'] ?? resource['billing_address']);
}
