-- wrk reads one cart after the other of those in the file IDS.
local requests = {}
local last = 0

function init()
  for id in io.lines(os.getenv("IDS")) do
    requests[#requests + 1] = wrk.format("GET", "/v1/carts/" .. id)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end
