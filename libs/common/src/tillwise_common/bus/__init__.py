"""The bus between services, over Redis streams: publish/consume, request/reply and notify."""
