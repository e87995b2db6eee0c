# anna+invoices@example.com goes to the folder "invoices", if there is one: strangers make none.
# Tell the MTA and ladle.conf the same recipient_delimiter.
require ["envelope", "fileinto", "mailbox", "subaddress", "variables"];

if envelope :detail :matches "to" "?*" {
    set :lower "folder" "${0}";
    if mailboxexists "${folder}" {
        fileinto "${folder}";
    }
}
