import { Migration } from '@mikro-orm/migrations';

/** Events of what happened here, such as a verdict on an upload, came in no webhook: they have no receipt. */
export class M0008OwnEvents extends Migration {
  override up(): void {
    this.addSql('alter table webhook_event alter column receipt_id drop not null');
  }

  override down(): void {
    this.addSql('delete from webhook_event where receipt_id is null');
    this.addSql('alter table webhook_event alter column receipt_id set not null');
  }
}
