-- dispatch-transfer, receive-transfer, cancel-transfer, look-transfer: goods on the way between two warehouses are in neither.
-- Twin: src/model/transfers.ts.
-- Answers: DONE transfer | REPLAYED transfer | REFUSED unknown-transfer | transfer-conflict | transfer-ended transfer |
-- exceeds-transit units | too-many-receipts | quarantined -, and as the movements.

---@class Transfer "status sku from to quantity received rejected returned operations"; in transit it does not expire.
---@field status "IN_TRANSIT"|"RECEIVED"|"CANCELLED"
---@field sku string
---@field from string warehouse
---@field to string warehouse
---@field quantity integer units dispatched
---@field received integer units
---@field rejected integer units, issued on arrival
---@field returned integer units that a cancellation brought back
---@field operations string receipts, joined by ";"

local FOR_GOOD = "253402300799999"

-- Nil for a text that this program did not write.
local function read_transfer(value)
  local status, sku, from, to, quantity, received, rejected, returned, operations =
    match(value, "^(%u[%u_]+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%S+)$")
  return status and {
    status = status,
    sku = sku,
    from = from,
    to = to,
    quantity = tonumber(quantity),
    received = tonumber(received),
    rejected = tonumber(rejected),
    returned = tonumber(returned),
    operations = given(operations) or "",
  }
end

local function keep_transfer(key, transfer)
  local value = format("%s %s %s %s %d %d %d %d %s", transfer.status, transfer.sku, transfer.from, transfer.to,
    transfer.quantity, transfer.received, transfer.rejected, transfer.returned,
    transfer.operations == "" and "-" or transfer.operations)
  stage_set(key, value, transfer.status == "IN_TRANSIT" and FOR_GOOD or digits(now_ms + tombstone_ms))
  return value
end

local function in_transit(transfer)
  return transfer.quantity - transfer.received - transfer.rejected - transfer.returned
end

local function dispatch_transfer(command, key, transfer_id, value)
  if value then
    if not read_transfer(value) then
      return UNREADABLE
    end
    local asked = match(value, "^%S+ (%S+ %S+ %S+ %d+) ")
    return asked == command.content and "REPLAYED " .. value or "REFUSED transfer-conflict"
  end
  if backlog_is_full then
    return "REFUSED ledger-backlog"
  end
  call("GET", key) -- MGET does not fail on a key of another type: this does, before the first write
  local item, refusal = item_with_goods({ sku = command.sku, warehouse = command.from })
  if not item then
    return refusal
  end
  local quantity = command.quantity
  if item.available < quantity then
    return format("REFUSED insufficient-stock %s=%d:%d", item.name, quantity, item.available)
  end
  stock.change(item, -quantity, -quantity, 0, 0)
  emit(format("TransferDispatched %s %s %s=%d %s %s", transfer_id, command.actor, item.name, quantity, command.to,
    command.reason))
  stock.watch_stock(item, command.actor)
  return "DONE " .. keep_transfer(key, {
    status = "IN_TRANSIT",
    sku = command.sku,
    from = command.from,
    to = command.to,
    quantity = quantity,
    received = 0,
    rejected = 0,
    returned = 0,
    operations = "",
  })
end

parsers["dispatch-transfer"] = function(text)
  local sku, from, to, quantity, reason, actor =
    match(text, "^dispatch%-transfer (%S+) (%S+) (%S+) (%d+) (%S+) (%S+)$")
  local units = sku and #quantity <= 10 and tonumber(quantity) or 0
  if units < 1 or units > CONST.QUANTITY_MAX or from == to
    or not (codec.is_id(sku) and codec.is_id(from) and codec.is_id(to) and codec.is_id(actor)) then
    return nil
  end
  return {
    run = dispatch_transfer,
    sku = sku,
    from = from,
    to = to,
    quantity = units,
    content = sku .. " " .. from .. " " .. to .. " " .. quantity,
    reason = reason,
    actor = actor,
  }
end

-- The transfer a command is about, still in transit; or nil and the answer that ends it.
local function open_transfer(value, is_repeated)
  if not value then
    return nil, "REFUSED unknown-transfer"
  end
  local transfer = read_transfer(value)
  if not transfer then
    return nil, UNREADABLE
  elseif is_repeated(transfer) then
    return nil, "REPLAYED " .. value
  elseif transfer.status ~= "IN_TRANSIT" then
    return nil, "REFUSED transfer-ended " .. value
  end
  return transfer
end

local function receive_transfer(command, key, transfer_id, value)
  local transfer, answer = open_transfer(value, function(found)
    return reservations.remembers(found, command.operation)
  end)
  if not transfer then
    return answer
  end
  local _, separators = string.gsub(transfer.operations, ";", ";")
  if transfer.operations ~= "" and separators + 1 >= CONST.TRANSFER_RECEIPTS_MAX then
    return "REFUSED too-many-receipts"
  end
  local landed = command.received + command.rejected
  if landed > in_transit(transfer) then
    return format("REFUSED exceeds-transit %d", in_transit(transfer))
  end
  local item, refusal = item_for_goods({ sku = transfer.sku, warehouse = transfer.to })
  if not item then
    return refusal
  elseif item.total + landed > CONST.QUANTITY_MAX then
    return format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  stock.change(item, landed, landed, 0, 0)
  emit(format("TransferReceived %s %s %s=%d %d %s", transfer_id, command.actor, item.name, landed,
    command.rejected, command.operation))
  stock.watch_stock(item, command.actor)
  if command.rejected > 0 then
    stock.change(item, -command.rejected, -command.rejected, 0, 0)
    emit(format("InventoryIssued - %s %s=%d %s %s", command.actor, item.name, command.rejected, CONST.REJECTED_REASON,
      transfer_id))
    stock.watch_stock(item, command.actor)
  end
  transfer.received = transfer.received + command.received
  transfer.rejected = transfer.rejected + command.rejected
  reservations.remember(transfer, command.operation)
  if in_transit(transfer) == 0 then
    transfer.status = "RECEIVED"
  end
  return "DONE " .. keep_transfer(key, transfer)
end

parsers["receive-transfer"] = function(text)
  local received, rejected, operation, actor = match(text, "^receive%-transfer (%d+) (%d+) (%S+) (%S+)$")
  if not received or #received > 10 or #rejected > 10 then
    return nil
  end
  local command = {
    run = receive_transfer,
    received = tonumber(received),
    rejected = tonumber(rejected),
    operation = operation,
    actor = actor,
  }
  local landed = command.received + command.rejected
  return landed >= 1 and landed <= CONST.QUANTITY_MAX and command or nil
end

local function cancel_transfer(command, key, transfer_id, value)
  local transfer, answer = open_transfer(value, function(found)
    return found.status == "CANCELLED"
  end)
  if not transfer then
    return answer
  end
  local rest = in_transit(transfer)
  local item, refusal = item_for_goods({ sku = transfer.sku, warehouse = transfer.from })
  if not item then
    return refusal
  elseif item.total + rest > CONST.QUANTITY_MAX then
    return format("REFUSED quantity-limit-exceeded %d", item.total)
  end
  stock.change(item, rest, rest, 0, 0)
  emit(format("TransferCancelled %s %s %s=%d", transfer_id, command.actor, item.name, rest))
  stock.watch_stock(item, command.actor)
  transfer.returned = rest
  transfer.status = "CANCELLED"
  return "DONE " .. keep_transfer(key, transfer)
end

parsers["cancel-transfer"] = function(text)
  local actor = match(text, "^cancel%-transfer (%S+)$")
  return actor and { run = cancel_transfer, actor = actor } or nil
end

local function look_transfer(_, _, _, value)
  if not value then
    return "REFUSED unknown-transfer"
  end
  return read_transfer(value) and "DONE " .. value or UNREADABLE
end

parsers["look-transfer"] = function()
  return { run = look_transfer }
end
